/* stalled FOLDER PROGRAM: a file system (FUSE, fuse(4)) at FOLDER whose one file, `program`, has the contents
   of PROGRAM. Says that it is ready, answers until a line comes in, and from then on answers nothing, though
   it stays. Ends, and the file system with it, when its standard input does. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const uint64_t FILE_NODE = 2;
static int device, contents;
static off_t size;

static void answer(uint64_t unique, int error, const void *data, size_t length)
{
    struct fuse_out_header header = {
        .len = (uint32_t) (sizeof header + length), .error = -error, .unique = unique};
    struct iovec parts[] = {{&header, sizeof header}, {(void *) (uintptr_t) data, length}};
    /* Whoever asked may have gone. */
    if (writev(device, parts, 2) < 0 && errno != ENOENT)
        perror("writev");
}

static struct fuse_attr attributes(uint64_t node)
{
    struct fuse_attr attributes = {.ino = node, .nlink = 1, .mode = S_IFDIR | 0755, .blksize = 4096};
    if (node == FILE_NODE) {
        attributes.mode = S_IFREG | 0755;
        attributes.size = (uint64_t) size;
        attributes.blocks = (uint64_t) size / 512 + 1;
    }
    return attributes;
}

/* Names and attributes are valid for no time, so that each look at the file asks for them anew. */
static void serve(const struct fuse_in_header *request, const void *argument)
{
    static char data[1 << 20];
    if (request->opcode == FUSE_INIT) {
        struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
            .max_readahead = 1 << 17, .max_write = 1 << 17};
        answer(request->unique, 0, &out, sizeof out);
    } else if (request->opcode == FUSE_LOOKUP) {
        struct fuse_entry_out out = {.nodeid = FILE_NODE, .attr = attributes(FILE_NODE)};
        int found = strcmp(argument, "program") == 0;
        answer(request->unique, found ? 0 : ENOENT, &out, found ? sizeof out : 0);
    } else if (request->opcode == FUSE_GETATTR) {
        struct fuse_attr_out out = {.attr = attributes(request->nodeid)};
        answer(request->unique, 0, &out, sizeof out);
    } else if (request->opcode == FUSE_OPEN) {
        struct fuse_open_out out = {.fh = 1};
        answer(request->unique, 0, &out, sizeof out);
    } else if (request->opcode == FUSE_READ) {
        const struct fuse_read_in *in = argument;
        size_t wanted = in->size < sizeof data ? in->size : sizeof data;
        ssize_t length = pread(contents, data, wanted, (off_t) in->offset);
        answer(request->unique, length < 0 ? EIO : 0, data, length < 0 ? 0 : (size_t) length);
    } else if (request->opcode == FUSE_FLUSH || request->opcode == FUSE_RELEASE) {
        answer(request->unique, 0, NULL, 0);
    } else if (request->opcode != FUSE_FORGET && request->opcode != FUSE_BATCH_FORGET) {
        answer(request->unique, ENOSYS, NULL, 0);
    }
}

int main(int count, char **arguments)
{
    static _Alignas(8) char request[2 << 20];
    char options[128], line[16];
    struct stat status;
    if (count != 3 || (contents = open(arguments[2], O_RDONLY)) < 0 || fstat(contents, &status))
        return 2;
    size = status.st_size;
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
    if (device < 0 || mount("stalled", arguments[1], "fuse", 0, options)) {
        perror("FUSE");
        return 3;
    }
    puts("ready");
    fflush(stdout);
    struct pollfd watched[] = {{.fd = device, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
    while (poll(watched, 2, -1) > 0 && !watched[1].revents) {
        ssize_t length = read(device, request, sizeof request);
        if (length > 0)
            serve((struct fuse_in_header *) request, request + sizeof(struct fuse_in_header));
    }
    puts("stalled");
    fflush(stdout);
    while (read(0, line, sizeof line) > 0)
        ;
    return umount2(arguments[1], MNT_DETACH);
}
