/* A disk that fails when it is told to.
 *
 * Loaded before the C library, it makes writes and flushes of files below one directory fail or wait,
 * as one line of a control file says:
 *
 *     write ERRNO       every write, and every change of a file's length, fails
 *     flush ERRNO       every flush fails
 *     both ERRNO        both
 *     both slow MS      both take so many milliseconds longer
 *
 * An empty line, or no file, lets everything pass. FAULTY_DISK_DIRECTORY and FAULTY_DISK_CONTROL name
 * the two.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, FLUSH = 2 };

static int is_ours(int fd) {
    const char *directory = getenv("FAULTY_DISK_DIRECTORY");
    char link[64], path[4096];
    if (directory == NULL) {
        return 0;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 0 && strncmp(path, directory, strlen(directory)) == 0;
}

/* The errno to fail with; 0 to go on. */
static int fault(int fd, int call) {
    const char *control = getenv("FAULTY_DISK_CONTROL");
    char line[64] = "", calls[16] = "", action[16] = "";
    int number = 0, kept = errno;
    int file = control == NULL ? -1 : open(control, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        errno = kept;
        return 0;
    }
    ssize_t length = read(file, line, sizeof line - 1);
    close(file);
    errno = kept;
    if (length <= 0 || !is_ours(fd)) {
        return 0;
    }
    int named = (strncmp(line, "write", 5) == 0 ? WRITE : 0) | (strncmp(line, "flush", 5) == 0 ? FLUSH : 0) |
                (strncmp(line, "both", 4) == 0 ? WRITE | FLUSH : 0);
    if ((named & call) == 0) {
        return 0;
    }
    if (sscanf(line, "%15s slow %d", calls, &number) == 2) {
        struct timespec time = {number / 1000, (long)(number % 1000) * 1000000};
        nanosleep(&time, NULL);
        return 0;
    }
    return sscanf(line, "%15s %15s", calls, action) == 2 ? atoi(action) : 0;
}

#define FAIL_OR(call, result, name, ...)                                             \
    do {                                                                             \
        static result (*next)();                                                     \
        if (next == NULL) {                                                          \
            next = (result(*)())dlsym(RTLD_NEXT, #name);                             \
        }                                                                            \
        int number = fault(fd, call);                                                \
        if (number != 0) {                                                           \
            errno = number;                                                          \
            return -1;                                                               \
        }                                                                            \
        return next(__VA_ARGS__);                                                    \
    } while (0)

ssize_t write(int fd, const void *bytes, size_t count) { FAIL_OR(WRITE, ssize_t, write, fd, bytes, count); }
ssize_t writev(int fd, const struct iovec *parts, int count) { FAIL_OR(WRITE, ssize_t, writev, fd, parts, count); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    FAIL_OR(WRITE, ssize_t, pwrite, fd, bytes, count, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    FAIL_OR(WRITE, ssize_t, pwrite64, fd, bytes, count, at);
}
int ftruncate(int fd, off_t length) { FAIL_OR(WRITE, int, ftruncate, fd, length); }
int ftruncate64(int fd, off64_t length) { FAIL_OR(WRITE, int, ftruncate64, fd, length); }
int fallocate(int fd, int mode, off_t at, off_t length) { FAIL_OR(WRITE, int, fallocate, fd, mode, at, length); }
int fsync(int fd) { FAIL_OR(FLUSH, int, fsync, fd); }
int fdatasync(int fd) { FAIL_OR(FLUSH, int, fdatasync, fd); }
