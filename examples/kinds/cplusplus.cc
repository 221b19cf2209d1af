// SPDX-License-Identifier: GPL-2.0-only OR MIT
namespace {

template <int value> struct number {
	static constexpr int get() { return value; }
};

} // namespace

extern "C" int from_cplusplus()
{
	return number<11>::get();
}
