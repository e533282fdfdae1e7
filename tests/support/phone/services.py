"""What a phone offers over adb: a shell, and files."""

import re
import struct
import subprocess
import threading

STDOUT, STDERR, EXIT = 1, 2, 3
_ON_THE_PHONE = re.compile(r"/(data|sys)(?=/)")


def local_path(phone, path):
    """Where the file of that path on the phone lies on this machine."""
    return phone.root / path.lstrip("/")


def serve_shell(phone, service, stream):
    """`shell,v2:` or `shell:`: a real shell, on the phone's files and with its tools first."""
    options, _, command = service.partition(":")
    phone.commands.append(command)
    phone.before_shell(command)
    process = subprocess.Popen(
        ["sh", "-c", _ON_THE_PHONE.sub(rf"{phone.root}/\1", command)],
        env={
            "PATH": f"{phone.root}/bin:/usr/bin:/bin",
            "PHONE_ROOT": str(phone.root),
            "PHONE_ENGINE": str(phone.engine_socket),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=phone.root,
        start_new_session=True,
    )
    relays = [
        threading.Thread(
            target=_relay,
            args=(phone, stream, pipe, kind if "v2" in options else None),
            daemon=True,
        )
        for pipe, kind in ((process.stdout, STDOUT), (process.stderr, STDERR))
    ]
    for relay in relays:
        relay.start()
    # As on a phone, where a command without a terminal outlives its connection.
    phone.processes.append(process)
    process.wait()
    for relay in relays:
        relay.join()
    if "v2" in options:
        code = process.returncode
        stream.write(_packet(EXIT, bytes([128 - code if code < 0 else code])))


def _relay(phone, stream, pipe, kind):
    root = str(phone.root).encode()
    with pipe:
        try:
            for line in pipe:
                shown = line.replace(root, b"")
                stream.write(_packet(kind, shown) if kind else shown)
        except ConnectionError:
            pass


def _packet(kind, data):
    return struct.pack("<BI", kind, len(data)) + data


def serve_sync(phone, stream):
    """`sync:` as far as a client needs it to push and pull files."""
    while True:
        command, length = struct.unpack("<4sI", stream.read(8))
        if command == b"QUIT":
            return
        path = stream.read(length).decode()
        if command == b"STAT":
            stream.write(b"STAT" + _stat(local_path(phone, path)))
        elif command == b"SEND":
            _receive_file(phone, stream, path)
        elif command == b"RECV":
            _send_file(stream, local_path(phone, path))


def _stat(path):
    try:
        found = path.stat()
    except OSError:
        return bytes(12)
    return struct.pack("<3I", found.st_mode, found.st_size, int(found.st_mtime))


def _receive_file(phone, stream, target):
    path, _, mode = target.rpartition(",")
    content = b""
    while True:
        command, length = struct.unpack("<4sI", stream.read(8))
        if command == b"DONE":
            break
        content += stream.read(length)
        phone.while_pushing(path, content)
    problem = phone.refusal_of(path, content)
    if problem is None:
        local = local_path(phone, path)
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(phone.as_stored(path, content))
        local.chmod(int(mode) & 0o777)
        stream.write(b"OKAY" + bytes(4))
    else:
        stream.write(b"FAIL" + struct.pack("<I", len(problem)) + problem.encode())


def _send_file(stream, path):
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = str(error.strerror).encode()
        stream.write(b"FAIL" + struct.pack("<I", len(problem)) + problem)
        return
    for start in range(0, len(content), 1 << 16):
        part = content[start : start + (1 << 16)]
        stream.write(b"DATA" + struct.pack("<I", len(part)) + part)
    stream.write(b"DONE" + bytes(4))
