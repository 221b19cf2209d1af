# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Steps that add, remove and rename files, shadow one by another, or break the tree; repairs."""

from __future__ import annotations

import os

from . import texts
from .kinds import Kind
from .programs import Failed
from .texts import number
from .tree import FOLDERS, PART, Tree


def kinds() -> list[Kind]:
    """Return all kinds of this module."""
    return [
        Kind("add a source to the list", 3, _add_source),
        Kind("add a source to a globbed folder", 3, _add_globbed),
        Kind("remove a source", 3, _remove_source),
        Kind("remove a source from the list", 2, _unlist_source),
        Kind("rename a source", 3, _rename_source),
        Kind("another order of sources", 2, _reorder_sources),
        Kind("a source as a node, or as a name", 2, _toggle_node),
        Kind("add a header and include it", 3, _add_header),
        Kind("remove a header and its includes", 3, _remove_header),
        Kind("rename a header", 3, _rename_header),
        Kind("add a header that shadows another", 8, _shadow_header),
        Kind("remove a header that shadows another", 6, _unshadow_header),
        Kind("add or remove data that shadows other", 3, _shadow_data),
        Kind("add or remove an INCLUDE'd script that shadows another", 3, _shadow_part),
        Kind("add a header that __has_include asks for", 5, _add_maybe),
        Kind("remove a header that __has_include asks for", 5, _remove_maybe),
        Kind("break: #error", 2, _break_by_error),
        Kind("break: include what there is not", 2, _break_by_include),
        Kind("break: remove a file that is needed", 3, _break_by_removal),
    ]


def _list(tree: Tree, words: list[str]) -> None:
    tree.write("sources", "".join(f"{word}\n" for word in words))


def _listed(tree: Tree) -> str | None:
    """Return a C source that the file sources lists and that exists; None if there is none."""
    words = [w for w in tree.listed() if w.endswith(".c") and tree.exists(w.lstrip("+"))]
    return tree.pick(words) if words else None


def _add_source(tree: Tree) -> str | None:
    words = tree.listed()
    path = f"{tree.pick(['src', 'lib'])}/n{number(tree.random)}.c"
    if len(words) > 9:
        return None
    tree.write(path, tree.new_text(path))
    words.insert(int(tree.random.random() * (len(words) + 1)), tree.pick(["", "+"]) + path)
    _list(tree, words)
    return f"add {path}"


def _add_globbed(tree: Tree) -> str | None:
    if len(tree.sources()) - len(tree.listed()) > 3:
        return None
    path = f"drv/n{number(tree.random)}.c"
    tree.write(path, tree.new_text(path))
    return f"add {path}"


def _remove_source(tree: Tree) -> str | None:
    words = tree.listed()
    paths = [word for word in tree.sources() if word.endswith(".c") and tree.exists(word)]
    if len(paths) < 5:
        return None
    path = tree.pick(paths)
    (tree.top / path).unlink()
    if any(word.lstrip("+") == path for word in words):
        _list(tree, [word for word in words if word.lstrip("+") != path])
    return f"remove {path}"


def _unlist_source(tree: Tree) -> str | None:
    words, word = tree.listed(), _listed(tree)
    if word is None or len(words) < 4:
        return None
    _list(tree, [other for other in words if other != word])
    return f"remove {word} from the list"


def _rename_source(tree: Tree) -> str | None:
    paths = [word for word in tree.sources() if word.endswith(".c") and tree.exists(word)]
    if not paths:
        return None
    old = tree.pick(paths)
    new = f"{os.path.dirname(old)}/r{number(tree.random)}.c"
    (tree.top / old).rename(tree.top / new)
    words = tree.listed()
    if any(word.lstrip("+") == old for word in words):
        _list(tree, [word.replace(old, new) for word in words])
    return f"rename {old} to {new}"


def _reorder_sources(tree: Tree) -> str | None:
    words = tree.listed()
    if len(words) < 2:
        return None
    words.insert(0, words.pop())
    _list(tree, words)
    return "the last source of the list first"


def _toggle_node(tree: Tree) -> str | None:
    word = _listed(tree)
    if word is None:
        return None
    other = word[1:] if word.startswith("+") else f"+{word}"
    _list(tree, [other if each == word else each for each in tree.listed()])
    return f"{other} for {word}"


def _replaceable(tree: Tree) -> list[str]:
    """Return the headers below include/ that C sources include."""
    paths = [path for path in tree.headers() if path.startswith("include/")]
    return [path for path in paths if not path.endswith("layout.h")]


def _add_header(tree: Tree) -> str | None:
    users = [path for path in tree.sources() if path.endswith(".c") and tree.exists(path)]
    if len(tree.headers()) > 24 or not users:
        return None
    name, user = f"n{number(tree.random)}.h", tree.pick(users)
    path = f"{tree.pick(FOLDERS)}/{name}"
    tree.write(path, tree.new_text(path))
    tree.write(user, f'#include "{name}"\n{tree.read(user)}')
    return f"add {path}, and include it in {user}"


def _mentions(tree: Tree, name: str) -> list[str]:
    """Return the sources and headers that include a name."""
    paths = [path for path in tree.files() if path.endswith((".h", ".c", ".S"))]
    found = [(path, tree.read(path)) for path in paths]
    return [path for path, text in found if f'"{name}"' in text or f"<{name}>" in text]


def _remove_header(tree: Tree) -> str | None:
    paths = _replaceable(tree)
    if len(paths) < 8:
        return None
    path = tree.pick(paths)
    name = os.path.basename(path)
    macro = f"WHICH_{''.join(c if c.isalnum() else '_' for c in name)}"
    for user in _mentions(tree, name):
        lines = tree.read(user).splitlines()
        drop = (f'"{name}"', f"<{name}>", macro)
        kept = [line for line in lines if line.startswith("#if") or not line.endswith(drop)]
        tree.write(user, "\n".join(kept) + "\n")
    (tree.top / path).unlink()
    return f"remove {path} and includes of {name}"


def _rename_header(tree: Tree) -> str | None:
    paths = _replaceable(tree)
    names = [os.path.basename(path) for path in tree.headers()]
    paths = [path for path in paths if names.count(os.path.basename(path)) == 1]
    if not paths:
        return None
    old = tree.pick(paths)
    name = os.path.basename(old)
    new = f"r{number(tree.random)}.h"
    (tree.top / old).rename(tree.top / os.path.dirname(old) / new)
    for user in _mentions(tree, name):
        text = tree.read(user).replace(f'"{name}"', f'"{new}"').replace(f"<{name}>", f"<{new}>")
        tree.write(user, text)
    return f"rename {old} to {new}"


def _shadow_header(tree: Tree) -> str | None:
    hidden = tree.pick(_replaceable(tree) or ["include/third/h0.h"])
    folders = [folder for folder in FOLDERS if folder < os.path.dirname(hidden)]
    path = f"{tree.pick([*folders, *folders, 'src', 'lib'])}/{os.path.basename(hidden)}"
    if tree.exists(path) or len(tree.headers()) > 30:
        return None
    tree.write(path, tree.new_text(path))
    return f"add {path} before {hidden}"


def _unshadow_header(tree: Tree) -> str | None:
    names = [os.path.basename(path) for path in tree.headers()]
    paths = [path for path in tree.headers() if names.count(os.path.basename(path)) > 1]
    if not paths:
        return None
    path = tree.pick(paths)
    (tree.top / path).unlink()
    return f"remove {path}"


def _toggle_file(tree: Tree, path: str, text: str) -> str:
    """Remove a file, or write it if it does not exist."""
    if tree.exists(path):
        (tree.top / path).unlink()
        return f"remove {path}"
    tree.write(path, text)
    return f"add {path}"


def _shadow_data(tree: Tree) -> str:
    path = tree.pick(["found.bin", "include/first/found.bin"])
    return _toggle_file(tree, path, f"other data {number(tree.random)}\n")


def _shadow_part(tree: Tree) -> str:
    path = tree.pick([PART, f"lds/first/{PART}"])
    return _toggle_file(tree, path, texts.PART.format(number=number(tree.random)))


def _add_maybe(tree: Tree) -> str | None:
    path = f"{tree.pick([*FOLDERS, 'src', 'drv'])}/{tree.pick(texts.MAYBE)}"
    if tree.exists(path):
        return None
    tree.write(path, tree.new_text(path))
    return f"add {path}"


def _remove_maybe(tree: Tree) -> str | None:
    paths = [path for path in tree.headers() if path.endswith(texts.MAYBE)]
    if not paths:
        return None
    path = tree.pick(paths)
    (tree.top / path).unlink()
    return f"remove {path}"


def _sources_and_headers(tree: Tree) -> list[str]:
    paths = [*tree.sources(), *tree.headers()]
    return [path for path in paths if tree.exists(path) and not path.endswith("layout.h")]


def _break_by_error(tree: Tree) -> str | None:
    path = tree.pick(_sources_and_headers(tree))
    tree.write(path, tree.read(path) + "#error broken\n")
    return f"#error in {path}"


def _break_by_include(tree: Tree) -> str | None:
    path = tree.pick(_sources_and_headers(tree))
    tree.write(path, f'#include "b{number(tree.random)}.h"\n{tree.read(path)}')
    return f"include what there is not in {path}"


def _break_by_removal(tree: Tree) -> str | None:
    paths = [path for path in tree.files() if path.endswith((".h", ".bin", PART))]
    paths += [word.lstrip("+") for word in tree.listed() if tree.exists(word.lstrip("+"))]
    if not paths:
        return None
    path = tree.pick(paths)
    file = tree.top / path
    tree.lost[path] = (file.read_bytes(), file.stat().st_mtime_ns)
    file.unlink()
    return f"remove {path}, which may be needed"


def repair(tree: Tree, failed: Failed) -> str:
    """Repair one fault of a tree that cannot be built; there may be more."""
    name = failed.name.strip('"<>')
    lost = [p for p in tree.lost if p.endswith(name) and not tree.exists(p)]
    if failed.problem == "#error":
        tree.write(failed.where, tree.new_text(failed.where))
        return f"write {failed.where} anew"
    if lost and tree.chance(0.7):
        path = tree.pick(sorted(lost))
        data, mtime = tree.lost.pop(path)
        (tree.top / path).write_bytes(data)
        if tree.chance(0.5):
            os.utime(tree.top / path, ns=(mtime, mtime))
        return f"put {path} back"
    if failed.problem == "no such header":
        name = f"{tree.pick(FOLDERS)}/{name}"
        tree.write(name, tree.new_text(name))
    elif failed.problem == "no source":
        tree.write(name, tree.new_text(name))
    elif failed.problem == "no such script":
        tree.write(f"lds/second/{name}", texts.PART.format(number=number(tree.random)))
    else:
        assert failed.problem == "no such data", failed
        name = name if "/" in name else f"include/third/{name}"
        tree.write(name, f"data {number(tree.random)}\n")
    return f"write {name}"
