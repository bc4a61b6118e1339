"""What a process does to itself before it runs a student's code: namespaces and files of its own, limits, no way out.

The fork server runs in a bubblewrap sandbox already, which shows a read-only Python and nothing else. Here each
student's process is parted from all others of that sandbox. Linux only; see namespaces(7), capabilities(7), seccomp(2).
"""

import contextlib
import ctypes
import os
import platform
import resource
import socket
import struct

NAMESPACES = {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x8000000}
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_RDONLY, MS_REMOUNT, MS_BIND = 2, 4, 8, 1, 32, 4096
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38
NOBODY = 65534
MEMORY_RESERVE = 200_000_000

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _mount(source, target, kind, flags, options=""):
    _call("mount", source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())


def become_nobody():
    """Give up root, in a sandbox that root has set up: what runs in it has the rights of no user of this machine.

    The host's /proc is uncovered first, as the kernel lets others mount a /proc of their own only where one is whole.
    """
    for name in ("sys", "sysrq-trigger", "irq", "bus"):
        with contextlib.suppress(OSError):
            _call("umount", f"/proc/{name}".encode())
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    _call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # else its /proc/self, where it maps its ids, stays root's


def die_with_parent():
    """Ask to be killed when the parent process ends."""
    _call("prctl", PR_SET_PDEATHSIG, 9, 0, 0, 0)


def separate():
    """Enter new user, mount, process, network and IPC namespaces; the next child is process 1 of its own world."""
    uid, gid = os.getuid(), os.getgid()
    _call("unshare", sum(NAMESPACES.values()))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def furnish(folders, disk_bytes, files_most):
    """Mount fresh, small file systems over all that can be written, and switch the loopback network on.

    Parameters
    ----------
    folders : sequence of str
        What can be written; the first is the working directory.
    disk_bytes, files_most : int
        Limits of each: bytes, and files with folders.
    """
    for folder in folders:
        options = f"size={disk_bytes},nr_inodes={files_most},mode=700"
        _mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, options)
    try:
        _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except OSError:  # without one of its own, none at all: the outer one shows other students' processes
        _mount("tmpfs", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        import fcntl

        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
    os.chdir(folders[0])


def limit(memory_bytes, file_bytes, processes, cpu_seconds):
    """Set the limits that the kernel keeps for each process; memory may be None."""
    if memory_bytes is not None:
        # The hard limit leaves the kernel room to say that the soft one was reached.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes + MEMORY_RESERVE))
    for name, value in (
        ("FSIZE", file_bytes),
        ("NPROC", processes),
        ("CPU", cpu_seconds),
        ("CORE", 0),
        ("MEMLOCK", 65536),
        ("MSGQUEUE", 0),
    ):
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (value, value))


def renounce():
    """Drop all capabilities, for good."""
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _call("capset", header, bytes(24))
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def hide_from_others():
    """Let no process of the same user look into this one."""
    _call("prctl", PR_SET_DUMPABLE, 0, 0, 0, 0)


# ---------------------------------------------------------------------------------------------------------------------
# system calls

DENIED = {
    # Names and numbers: x86-64, AArch64. What student code has no use for, and attackers of a kernel do.
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194), "mount": (165, 40),
    "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "mount_setattr": (442, 442), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "fanotify_init": (300, 262),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "settimeofday": (164, 170),
    "clock_settime": (227, 112), "adjtimex": (159, 171), "sethostname": (170, 161), "syslog": (103, 116),
    "quotactl": (179, 60), "lookup_dcookie": (212, 18), "vhangup": (153, 58), "mbind": (237, 235),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
}  # fmt: skip
SOCKET, CLONE, CLONE3 = (41, 198), (56, 220), (435, 435)
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6)
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
EPERM, ENOSYS, EAFNOSUPPORT = 1, 38, 97


def filter_program(machine=None):
    """Assemble the filter of system calls, as classic BPF (see seccomp(2)).

    Parameters
    ----------
    machine : str, optional
        'x86_64' or 'aarch64'; by default this machine's.

    Returns
    -------
    bytes
        8 bytes an instruction.

    Raises
    ------
    OSError
        For other machines.
    """
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(f"no filter of system calls for {machine}")
    column, audit = ARCHITECTURES[machine]
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06

    def fail(number):
        return (give, 0, 0, 0x00050000 | number)

    allow, kill = (give, 0, 0, 0x7FFF0000), (give, 0, 0, 0x80000000)
    code = [(load, 0, 0, 4), (equal, 1, 0, audit), kill, (load, 0, 0, 0)]
    if machine == "x86_64":  # the x32 twins of all calls
        code += [(at_least, 0, 1, 0x40000000), fail(ENOSYS)]
    for numbers in DENIED.values():
        code += [(equal, 0, 1, numbers[column]), fail(EPERM)]
    code += [(equal, 0, 1, CLONE3[column]), fail(ENOSYS)]  # its flags are out of a filter's sight: libc takes clone
    code += [(equal, 0, 4, CLONE[column]), (load, 0, 0, 16), (any_bit, 0, 1, 0x7E020000), fail(EPERM), allow]
    code += [(equal, 0, 1 + len(FAMILIES) + 1, SOCKET[column]), (load, 0, 0, 16)]
    code += [(equal, len(FAMILIES) - i, 0, family) for i, family in enumerate(FAMILIES)]
    code += [fail(EAFNOSUPPORT), allow]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)


def filter_system_calls():
    """Forbid the system calls of `DENIED`, new namespaces, and sockets of other families than `FAMILIES`."""
    program = filter_program()
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _call("prctl", PR_SET_SECCOMP, 2, header, 0, 0)
