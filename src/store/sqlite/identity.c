/* store/sqlite/identity.c - what a file is that no copy of it can be. */
#include "store/sqlite/identity.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { LAYERS_MAX = 8 };

/* -- the disk below --------------------------------------------------------------------------- */

static bool read_line(const char *directory, const char *name, char *into, size_t size)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, into, size - 1);
    if (fd >= 0)
        close(fd);
    if (len <= 0)
        return false;
    into[len] = '\0';
    struct str text = str_trim(str_of(into));
    memmove(into, text.at, text.len);
    into[text.len] = '\0';
    return text.len > 0;
}

/* The one device that this one lies on (device mapper); false if there are none or several. */
static bool one_below(const char *device, char into[PATH_MAX])
{
    char path[PATH_MAX];
    int count = 0;
    if ((size_t)snprintf(path, sizeof path, "%s/slaves", device) >= sizeof path)
        return false;
    DIR *directory = opendir(path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        char below[PATH_MAX];
        if (entry->d_name[0] == '.')
            continue;
        count++;
        if ((size_t)snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= sizeof below ||
            !realpath(below, into))
            count = LAYERS_MAX;
    }
    if (directory)
        closedir(directory);
    return count == 1;
}

/* Where drivers show what the disk calls itself (Documentation/ABI/stable/sysfs-block, and nvme,
 * scsi and virtio_blk in the kernel's source). */
static void serial_of(const char *disk, char into[DEVICE_TEXT_MAX])
{
    static const struct {
        const char *kind, *name;
    } places[] = {
        {"nvme", "wwid"}, {"scsi", "device/wwid"}, {"virtio", "serial"}, {"ata", "device/serial"}};
    char text[DEVICE_TEXT_MAX - 16];
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (read_line(disk, places[i].name, text, sizeof text)) {
            (void)snprintf(into, DEVICE_TEXT_MAX, "%s:%s", places[i].kind, text);
            return;
        }
}

static void find_device(dev_t number, char into[DEVICE_TEXT_MAX])
{
    char link[64], device[PATH_MAX], below[PATH_MAX], text[8];
    (void)snprintf(link, sizeof link, "/sys/dev/block/%u:%u", major(number), minor(number));
    if (!realpath(link, device))
        return; /* a filesystem without a device of its own */
    for (int i = 0; i < LAYERS_MAX; i++) {
        if (read_line(device, "partition", text, sizeof text))
            *strrchr(device, '/') = '\0';
        if (!one_below(device, below))
            break;
        (void)str_copy(str_of(below), device, sizeof device);
    }
    serial_of(device, into);
}

/* -- the file --------------------------------------------------------------------------------- */

/* Of these the id comes from the filesystem's own UUID (statfs in fs/ext4, fs/btrfs, and OpenZFS's
 * dmu_objset_fsid_guid); of others, XFS for one, from the device's number. */
static bool id_stays(int64_t type)
{
    return type == 0xef53 || type == 0x9123683e || type == 0x2fc12fc1;
}

enum err identity_read(int fd, struct identity *ret, struct why *why)
{
    struct statx found;
    struct statfs filesystem;
    *ret = (struct identity){0};
    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &found) != 0 ||
        fstatfs(fd, &filesystem) != 0)
        return why_set(why, ERR_IO, "cannot tell which file bongsu.epoch is: %s", strerror(errno));
    ret->inode = (int64_t)found.stx_ino;
    if (found.stx_mask & STATX_BTIME)
        ret->born_ns = found.stx_btime.tv_sec * 1000000000 + found.stx_btime.tv_nsec;
    if (id_stays((int64_t)filesystem.f_type))
        memcpy(&ret->filesystem, &filesystem.f_fsid, sizeof ret->filesystem);
    find_device(makedev(found.stx_dev_major, found.stx_dev_minor), ret->device);
    return OK;
}

static bool same_kind(const char *one, const char *other)
{
    const char *colon = strchr(one, ':');
    return colon && strncmp(one, other, (size_t)(colon - one) + 1) == 0;
}

const char *identity_differs(const struct identity *then, const struct identity *now)
{
    if (then->inode != now->inode)
        return "its files are copies";
    if (then->born_ns && now->born_ns && then->born_ns != now->born_ns)
        return "its files are copies";
    if (then->filesystem && now->filesystem && then->filesystem != now->filesystem)
        return "its filesystem is a copy";
    if (same_kind(then->device, now->device) && strcmp(then->device, now->device) != 0)
        return "its disk is another one";
    return NULL;
}
