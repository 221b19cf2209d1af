/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A bridge to the real libxenguest for libxenguest.py: what xl's domain builder
 * does with a kernel file until it needs a hypervisor.
 *
 * A library, linked without libc's own start files, so that the headers are
 * all it takes to build it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenctrl.h>
#include <xenguest.h>
#include <xentoollog.h>

enum result { REFUSED, MISPLACED, PLACED };

/* Level is an xentoollog_level. */
typedef void say_fn(int level, const char *line);

static say_fn *say;

static void vmessage(xentoollog_logger *logger, xentoollog_level level, int errnoval,
                     const char *context, const char *format, va_list args)
{
    char line[1024];

    vsnprintf(line, sizeof(line), format, args);
    say(level, line);
}

static void progress(xentoollog_logger *logger, const char *context, const char *doing_what,
                     int percent, unsigned long done, unsigned long total)
{
}

static void destroy(xentoollog_logger *logger)
{
}

static xentoollog_logger logger = { vmessage, progress, destroy };

static enum result parse_and_place(struct xc_dom_image *dom, const char *path, int hvm,
                                   const char *caps, unsigned int memory_mib)
{
    dom->container_type = hvm ? XC_DOM_HVM_CONTAINER : XC_DOM_PV_CONTAINER;
    strncpy(dom->xen_caps, caps, sizeof(dom->xen_caps) - 1);

    if ( xc_dom_kernel_file(dom, path) || xc_dom_parse_image(dom) )
        return REFUSED;

    /*
     * This is how xc_dom_build_image() begins, except that it allocates from
     * virt_base on and pads up to the kernel.  The public headers hide
     * virt_base, so this starts at the kernel.  For domain 0 the library uses
     * anonymous memory.
     */
    dom->guest_domid = 0;
    if ( xc_dom_mem_init(dom, memory_mib) )
        return MISPLACED;
    dom->virt_alloc_end = dom->kernel_seg.vstart & ~(XC_PAGE_SIZE - 1UL);
    if ( xc_dom_alloc_segment(dom, &dom->kernel_seg, "kernel", dom->kernel_seg.vstart,
                              dom->kernel_seg.vend - dom->kernel_seg.vstart) )
        return MISPLACED;
    return PLACED;
}

/*
 * The hypercalls of xc_dom_build_image(), replaced.  The worker process is
 * started with this library preloaded, so these come before libxenctrl's.
 */
int xc_clear_domain_pages(xc_interface *xch, uint32_t domid, unsigned long pfn, int count)
{
    return 0;
}

int xc_domain_populate_physmap_exact(xc_interface *xch, uint32_t domid, unsigned long count,
                                     unsigned int order, unsigned int flags, xen_pfn_t *pfns)
{
    char line[64];

    snprintf(line, sizeof(line), "populate: pfn 0x%lx + 0x%lx pages", (unsigned long)*pfns, count);
    say(XTL_DETAIL, line);
    return 0;
}

int xc_hvm_param_set(xc_interface *xch, uint32_t domid, uint32_t param, uint64_t value)
{
    return 0;
}

void *xc_map_foreign_range(xc_interface *xch, uint32_t domid, int size, int prot,
                           unsigned long pfn)
{
    return calloc(1, size);
}

/* Lay out the whole guest as xl does, but without memory of a guest. */
static enum result lay_out(struct xc_dom_image *dom, const char *path, int hvm, const char *caps,
                           unsigned int memory_mib, const char *initrd)
{
    dom->container_type = hvm ? XC_DOM_HVM_CONTAINER : XC_DOM_PV_CONTAINER;
    strncpy(dom->xen_caps, caps, sizeof(dom->xen_caps) - 1);
    dom->guest_domid = 0;
    if ( xc_dom_kernel_file(dom, path) || (*initrd && xc_dom_module_file(dom, initrd, NULL)) ||
         xc_dom_parse_image(dom) )
        return REFUSED;
    if ( xc_dom_mem_init(dom, memory_mib) )
        return MISPLACED;
    dom->p2m_size = dom->target_pages = dom->total_pages;
    dom->lowmem_end = (uint64_t)dom->total_pages << XC_PAGE_SHIFT;
    dom->pv_p2m = calloc(dom->p2m_size, sizeof(*dom->pv_p2m));
    if ( !dom->pv_p2m || xc_dom_build_image(dom) )
        return MISPLACED;
    return PLACED;
}

/*
 * Returns an enum result, or -1 if the library cannot be set up.  With lays_out
 * the whole guest is laid out, up to where its memory would be written.
 */
int libxenguest_ask(const char *path, int hvm, const char *caps, unsigned int memory_mib,
                    int lays_out, const char *initrd, say_fn *callback)
{
    xc_interface *xch;
    struct xc_dom_image *dom;
    enum result result;

    say = callback;
    xch = xc_interface_open(&logger, &logger, XC_OPENFLAG_DUMMY);
    if ( !xch )
        return -1;
    dom = xc_dom_allocate(xch, "", NULL);
    if ( !dom )
        return -1;
    if ( lays_out )
        result = lay_out(dom, path, hvm, caps, memory_mib, initrd);
    else
        result = parse_and_place(dom, path, hvm, caps, memory_mib);
    xc_dom_release(dom);
    xc_interface_close(xch);
    return result;
}
