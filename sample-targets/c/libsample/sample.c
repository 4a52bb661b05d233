#include "sample.h"

static _Thread_local unsigned visited;

static long visit_one(struct sample_job *job, sample_visitor visit, void *closure)
{
    visited++;
    long result = visit(job, closure);
    return result + job->number;
}

long sample_visit_jobs(struct sample_job *jobs, size_t count, sample_visitor visit, void *closure)
{
    long total = 0;
    for (size_t i = 0; i < count; i++)
        total += visit_one(&jobs[i], visit, closure);
    return total;
}

unsigned sample_visited_by_this_thread(void)
{
    return visited;
}
