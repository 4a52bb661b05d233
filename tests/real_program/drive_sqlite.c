/* Runs SQL on an in-memory database; the statement at hand stops in the callback named by argv[1]. */
#include "sqlite3.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *where;

/* Blocks in the callback `place` when it is called for the `when`th time. */
static void stop_if(const char *place, int when)
{
    static int seen;
    if (strcmp(where, place) == 0 && ++seen == when) {
        printf("ready %d\n", (int)getpid());
        fflush(stdout);
        pause();
    }
}

static void function(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    stop_if("function", 3);
    sqlite3_result_int64(context, sqlite3_value_int64(values[0]) + 1);
}

static int collate(void *data, int a, const void *left, int b, const void *right)
{
    (void)data;
    stop_if("collate", 40);
    int order = memcmp(left, right, a < b ? a : b);
    return order ? order : a - b;
}

static void updated(void *data, int kind, const char *base, const char *table, sqlite3_int64 row)
{
    (void)data, (void)kind, (void)base, (void)table, (void)row;
    stop_if("update", 20);
}

static int progress(void *data)
{
    (void)data;
    stop_if("progress", 60);
    return 0;
}

int main(int argc, char **argv)
{
    sqlite3 *db;
    char *problem = NULL;
    where = argc > 1 ? argv[1] : "function";
    if (sqlite3_open(":memory:", &db))
        return 1;
    sqlite3_create_function(db, "plus_one", 1, SQLITE_UTF8, NULL, function, NULL, NULL);
    sqlite3_create_collation(db, "bytes", SQLITE_UTF8, NULL, collate);
    sqlite3_update_hook(db, updated, NULL);
    sqlite3_progress_handler(db, 50, progress, NULL);
    const char *sql =
        "create table person(id integer primary key, name text collate bytes, age real, note blob);"
        "create table log(id integer primary key, what text);"
        "create index by_name on person(name, age desc) where age > 1.5;"
        "create trigger noted after insert on person begin insert into log(what) values(new.name || plus_one(new.id)); end;"
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 40)"
        " insert into person(name, age, note) select 'name' || (i * 7 % 40), i * 1.25, zeroblob(i) from n;"
        "select p.name, count(*), avg(l.id) over (order by p.age) from person p left join log l on l.what like p.name || '%'"
        " where p.id in (select id from log where id % 3 = 1) group by p.name having count(*) > 0 order by 2 desc, 1;";
    if (sqlite3_exec(db, sql, NULL, NULL, &problem))
        fprintf(stderr, "%s\n", problem);
    fprintf(stderr, "the statements did not come to \"%s\"\n", where);
    return 2;
}
