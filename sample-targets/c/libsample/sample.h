/* libsample: the part of the samples that lives in a shared object of its own. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sample_job {
    int number;
    const char *title;
    double weight;
};

/* What a job is given to: the value returned is added up. */
typedef long (*sample_visitor)(struct sample_job *job, void *closure);

/* Calls `visit` for each of `count` jobs through a few frames of this library. */
long sample_visit_jobs(struct sample_job *jobs, size_t count, sample_visitor visit, void *closure);

/* This library's own thread-local count of the jobs that the calling thread has visited. */
unsigned sample_visited_by_this_thread(void);

#ifdef __cplusplus
}
#endif

#endif
