/* Tells what a process does to files below a folder, in order, so that a test can say what a disk holds
 * when the power fails. Loaded with LD_PRELOAD; $POWER_ROOT is the folder, $POWER_LOG takes the events:
 * one byte for the kind, then inode, offset and length (64 bits each), then that many bytes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int out = -1;
static char root[PATH_MAX];

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("POWER_ROOT"), *log = getenv("POWER_LOG");
    if (!folder || !log || !realpath(folder, root)) return;
    out = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(const void *bytes, size_t len) {
    while (len > 0) {
        ssize_t done = syscall(SYS_write, out, bytes, len);
        if (done <= 0) abort();
        bytes = (const char *)bytes + done;
        len -= done;
    }
}

static void tell(char kind, uint64_t inode, uint64_t offset, const void *bytes, size_t len) {
    uint64_t head[3] = {inode, offset, len};
    put(&kind, 1);
    put(head, sizeof head);
    put(bytes, len);
}

/* The path below the root, if it is there. */
static const char *inside(const char *path) {
    size_t len = strlen(root);
    if (out < 0 || !path || strncmp(path, root, len) != 0 || path[len] != '/') return NULL;
    return path + len + 1;
}

/* The inode behind a descriptor of a file below the root; 0 for others. */
static uint64_t inode_of(int fd, int *is_folder) {
    char link[64], path[PATH_MAX];
    struct stat st;
    if (out < 0 || fd == out) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    if (len <= 0) return 0;
    path[len] = 0;
    if (strcmp(path, root) != 0 && !inside(path)) return 0;
    if (fstat(fd, &st) != 0) return 0;
    if (is_folder) *is_folder = S_ISDIR(st.st_mode);
    return st.st_ino;
}

#define REAL(name, type, args) \
    static type(*real) args; \
    if (!real) real = (type(*) args)dlsym(RTLD_NEXT, name)
#define ENTER pthread_mutex_lock(&order)
#define LEAVE pthread_mutex_unlock(&order)

static int opened(int dir, const char *path, int flags, mode_t mode) {
    const char *name = inside(path);
    struct stat st;
    if (!name || !(flags & (O_CREAT | O_TRUNC))) return syscall(SYS_openat, dir, path, flags, mode);
    ENTER;
    int existed = stat(path, &st) == 0;
    int fd = syscall(SYS_openat, dir, path, flags, mode);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        if (!existed) tell('c', st.st_ino, 0, name, strlen(name));
        else if (flags & O_TRUNC) tell('t', st.st_ino, 0, NULL, 0);
    }
    LEAVE;
    return fd;
}

#define OPEN(fn) \
    int fn(const char *path, int flags, ...) { \
        va_list args; \
        va_start(args, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
        va_end(args); \
        return opened(AT_FDCWD, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(fn) \
    int fn(int dir, const char *path, int flags, ...) { \
        va_list args; \
        va_start(args, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
        va_end(args); \
        return opened(dir, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *bytes, size_t len) {
    uint64_t inode = inode_of(fd, NULL);
    if (!inode) return syscall(SYS_write, fd, bytes, len);
    ENTER;
    int flags = fcntl(fd, F_GETFL);
    struct stat st;
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (flags & O_APPEND && fstat(fd, &st) == 0) at = st.st_size;
    ssize_t done = syscall(SYS_write, fd, bytes, len);
    if (done > 0) tell('w', inode, at, bytes, done);
    LEAVE;
    return done;
}

static ssize_t written_at(int fd, const void *bytes, size_t len, off_t at) {
    uint64_t inode = inode_of(fd, NULL);
    if (!inode) return syscall(SYS_pwrite64, fd, bytes, len, at);
    ENTER;
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, len, at);
    if (done > 0) tell('w', inode, at, bytes, done);
    LEAVE;
    return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) { return written_at(fd, bytes, len, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) { return written_at(fd, bytes, len, at); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!inode_of(fd, NULL)) return syscall(SYS_writev, fd, parts, count);
    ssize_t all = 0;
    for (int i = 0; i < count; i++) {
        ssize_t done = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (done < 0) return all ? all : done;
        all += done;
        if ((size_t)done < parts[i].iov_len) break;
    }
    return all;
}

static int truncated(int fd, off_t len) {
    uint64_t inode = inode_of(fd, NULL);
    if (!inode) return syscall(SYS_ftruncate, fd, len);
    ENTER;
    int done = syscall(SYS_ftruncate, fd, len);
    if (done == 0) tell('t', inode, len, NULL, 0);
    LEAVE;
    return done;
}
int ftruncate(int fd, off_t len) { return truncated(fd, len); }
int ftruncate64(int fd, off_t len) { return truncated(fd, len); }

static int synced(long call, int fd) {
    int is_folder = 0;
    uint64_t inode = inode_of(fd, &is_folder);
    if (!inode) return syscall(call, fd);
    /* What was written before this point is on the disk after the next. */
    ENTER;
    tell(is_folder ? 'D' : 'B', inode, gettid(), NULL, 0);
    LEAVE;
    int done = syscall(call, fd);
    ENTER;
    if (done == 0) tell(is_folder ? 'd' : 's', inode, gettid(), NULL, 0);
    LEAVE;
    return done;
}
int fsync(int fd) { return synced(SYS_fsync, fd); }
int fdatasync(int fd) { return synced(SYS_fdatasync, fd); }

static void two(char kind, const char *from, const char *to) {
    const char *a = inside(from), *b = inside(to);
    if (!a || !b) return;
    char both[2 * PATH_MAX];
    int len = snprintf(both, sizeof both, "%s%c%s", a, '\n', b);
    tell(kind, 0, 0, both, len);
}

int rename(const char *from, const char *to) {
    ENTER;
    int done = syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    if (done == 0) two('r', from, to);
    LEAVE;
    return done;
}

int link(const char *from, const char *to) {
    ENTER;
    int done = syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (done == 0) two('l', from, to);
    LEAVE;
    return done;
}

int unlink(const char *path) {
    const char *name = inside(path);
    ENTER;
    int done = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (done == 0 && name) tell('u', 0, 0, name, strlen(name));
    LEAVE;
    return done;
}

/* A folder of which the files are removed one by one, relative to it. */
int unlinkat(int dir, const char *path, int flags) {
    char whole[PATH_MAX], link[64];
    ENTER;
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t len = syscall(SYS_readlinkat, AT_FDCWD, link, whole, sizeof whole - 1);
    int done = syscall(SYS_unlinkat, dir, path, flags);
    if (done == 0 && len > 0 && !(flags & AT_REMOVEDIR)) {
        snprintf(whole + len, sizeof whole - len, "/%s", path);
        const char *name = inside(whole);
        if (name) tell('u', 0, 0, name, strlen(name));
    }
    LEAVE;
    return done;
}
