"""The device's end of adb's transport: messages and the streams that they carry."""

import contextlib
import queue
import socket
import struct
import threading

A_CNXN, A_OPEN, A_OKAY, A_CLSE, A_WRTE, A_AUTH = (
    int.from_bytes(name, "little")
    for name in (b"CNXN", b"OPEN", b"OKAY", b"CLSE", b"WRTE", b"AUTH")
)
VERSION, MAX_DATA = 0x01000001, 1 << 16
AUTH_TOKEN = 1


class ClosedError(ConnectionError):
    """The other end has closed the stream, or the cable is out."""


class Connection:
    """One host that is connected."""

    def __init__(self, sock, serve, banner, authorized):
        self._socket = sock
        self._serve = serve
        self._banner = banner
        self._authorized = authorized
        self._sending = threading.Lock()
        self._streams = {}
        self._next = 1

    def run(self):
        """Answers messages until the connection ends."""
        try:
            while True:
                self._answer(*self._receive())
        except OSError:
            pass
        finally:
            self.close()

    def close(self):
        # Another thread that waits for data keeps a socket open that is only closed.
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for stream in list(self._streams.values()):
            stream.closed()

    def send(self, command, first, second, data=b""):
        header = struct.pack(
            "<6I", command, first, second, len(data), sum(data) & 0xFFFFFFFF, command ^ 0xFFFFFFFF
        )
        with self._sending:
            self._socket.sendall(header + data)

    def _receive(self):
        command, first, second, length, _, _ = struct.unpack("<6I", self._exactly(24))
        return command, first, second, self._exactly(length)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise ClosedError
            data += part
        return data

    def _answer(self, command, first, second, data):
        if command in (A_CNXN, A_AUTH) and not self._authorized:
            # A phone asks again and again until its owner has confirmed the host's key.
            self.send(A_AUTH, AUTH_TOKEN, 0, bytes(20))
        elif command == A_CNXN:
            self.send(A_CNXN, VERSION, MAX_DATA, self._banner)
        elif command == A_OPEN:
            self._open(first, data.rstrip(b"\0").decode())
        elif stream := self._streams.get(second):
            if command == A_WRTE:
                stream.arrived(data)
                self.send(A_OKAY, second, first)
            elif command == A_OKAY:
                stream.acknowledged()
            elif command == A_CLSE:
                stream.closed()

    def _open(self, remote, service):
        local, self._next = self._next, self._next + 1
        stream = self._streams[local] = Stream(self, local, remote)
        self.send(A_OKAY, local, remote)

        def work():
            try:
                self._serve(service, stream)
            except ConnectionError:
                pass
            finally:
                stream.close()
                del self._streams[local]

        threading.Thread(target=work, daemon=True).start()


class Stream:
    """One service that a host uses."""

    def __init__(self, connection, local, remote):
        self._connection, self._local, self._remote = connection, local, remote
        self._arrived = queue.Queue()
        self._buffer = b""
        self._ready = threading.Semaphore(1)
        self._writing = threading.Lock()
        self.is_closed = threading.Event()

    def arrived(self, data):
        self._arrived.put(data)

    def acknowledged(self):
        self._ready.release()

    def closed(self):
        self.is_closed.set()
        self._arrived.put(b"")
        self._ready.release()

    def read(self, count):
        while len(self._buffer) < count:
            part = self._arrived.get()
            if not part and self.is_closed.is_set():
                raise ClosedError
            self._buffer += part
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def write(self, data):
        with self._writing:
            for start in range(0, len(data), MAX_DATA // 2):
                self._ready.acquire()
                if self.is_closed.is_set():
                    self._ready.release()
                    raise ClosedError
                part = data[start : start + MAX_DATA // 2]
                self._connection.send(A_WRTE, self._local, self._remote, part)

    def close(self):
        if not self.is_closed.is_set():
            with contextlib.suppress(OSError):
                self._connection.send(A_CLSE, self._local, self._remote)
            self.is_closed.set()
