"""Messages of Bazel's persistent worker protocol, in both forms."""

import json
from typing import BinaryIO, Sequence


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def render_request(form: str, arguments: Sequence[str], request_id: int = 0, cancel: bool = False, sandbox: str = "",
                   inputs: Sequence[str] = ()) -> bytes:
    if form == "json":
        message: dict = {"arguments": list(arguments)} if arguments else {}
        if request_id:
            message["requestId"] = request_id
        if cancel:
            message["cancel"] = True
        if sandbox:
            message["sandboxDir"] = sandbox
        if inputs:
            message["inputs"] = [{"path": path, "digest": "ZGlnZXN0"} for path in inputs]
        return json.dumps(message).encode()
    data = b"".join(field(1, argument) for argument in arguments)
    data += b"".join(field(2, field(1, path) + field(2, b"digest")) for path in inputs)
    if request_id:
        data += field(3, request_id)
    if cancel:
        data += field(4, 1)
    if sandbox:
        data += field(6, sandbox)
    return varint(len(data)) + data


def read_answer(form: str, stream: BinaryIO) -> dict:
    if form == "json":
        return json.loads(stream.readline())
    size, shift = 0, 0
    while True:
        byte = stream.read(1)[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    data = stream.read(size)
    answer = {"exitCode": 0, "output": "", "requestId": 0}
    at = 0

    def number() -> int:
        nonlocal at
        value, bits = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << bits
            bits += 7
            if byte < 0x80:
                return value

    while at < size:
        tag = number()
        if tag & 7 == 2:
            length = number()
            answer["output"] = data[at:at + length].decode()
            at += length
        else:
            value = number()
            answer[{1: "exitCode", 3: "requestId", 4: "wasCancelled"}[tag >> 3]] = value
    return answer
