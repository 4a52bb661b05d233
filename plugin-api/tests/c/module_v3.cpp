// A C++ module that offers both doors.
#include <libgimli_ana.h>
#include <cstdio>
#include <string>

static void count_threads(gimli_proc_t proc, void *)
{
    int count = 0;
    gimli_proc_visit_threads(
        proc,
        [](gimli_proc_t, gimli_thread_t, void *arg) {
            ++*static_cast<int *>(arg);
            return GIMLI_ITER_CONT;
        },
        &count);
    std::printf("%s\n", (std::to_string(count) + " threads").c_str());
}

int gimli_module_init(int api_version)
{
    return api_version >= 3 ? gimli_module_register_tracer(count_threads, nullptr) : 0;
}

static gimli_ana_module module_v2 = {2, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};

gimli_ana_module *gimli_ana_init(const gimli_ana_api *api)
{
    return api->api_version >= 3 ? nullptr : &module_v2;
}
