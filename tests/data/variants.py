"""Images in every variant of BMP, PNG, GIF, WebP and JPEG, by hand where Pillow writes none."""

import io
import struct
import zlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tests.data.making import encoded

HEIGHT, WIDTH = 21, 35
_RANDOM = np.random.default_rng(0)
COLOURS = _RANDOM.integers(0, 256, (HEIGHT // 3, WIDTH // 5, 3), np.uint8).repeat(3, 0).repeat(5, 1)
PALETTE = _RANDOM.integers(0, 256, (256, 3), np.uint8)
_GREYS = np.arange(256, dtype=np.uint8)[:, None].repeat(3, 1)
_PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def values(bits: int, *shape: int) -> np.ndarray:
    """Returns random numbers of so many bits, `(21, 35, *shape)`."""
    return np.random.default_rng(bits).integers(0, 1 << bits, (HEIGHT, WIDTH, *shape))


def packed(rows: np.ndarray, bits: int) -> list[bytes]:
    """Returns rows of numbers as bytes, the first number in the highest bits."""
    rows = rows.reshape(len(rows), -1)
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in rows]
    each = np.unpackbits(rows.astype(np.uint8)[..., None], axis=-1)[..., 8 - bits :]
    return [row.tobytes() for row in np.packbits(each.reshape(len(rows), -1), axis=1)]


def bmp(
    bits: int,
    rows: Sequence[bytes],
    palette: np.ndarray | None = None,
    *,
    compression: int = 0,
    header: int = 40,
    masks: Sequence[int] = (),
    gap: int = 0,
    height: int = HEIGHT,
    colours: int | None = None,
) -> bytes:
    """Returns a BMP of rows from the top down, which are stored from the bottom up unless the height is negative."""
    ordered = rows if height < 0 else rows[::-1]
    pixels = b"".join(row + bytes(-len(row) % 4) for row in ordered)
    table = b"" if palette is None else b"".join(bytes(one[::-1]) + bytes(header != 12) for one in palette)
    if header == 12:
        info = struct.pack("<IHHHH", 12, WIDTH, height, 1, bits)
    else:
        count = (0 if palette is None else len(palette)) if colours is None else colours
        info = struct.pack(
            "<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(pixels), 2835, 2835, count, 0
        )
        given = struct.pack(f"<{len(masks)}I", *masks)
        info += given.ljust(header - 40, b"\0") if header > 40 else given
    begin = 14 + len(info) + len(table) + gap
    return b"BM" + struct.pack("<IHHI", begin + len(pixels), 0, 0, begin) + info + table + bytes(gap) + pixels


def chunk(kind: bytes, data: bytes) -> bytes:
    """Returns a PNG's chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: np.ndarray, bits: int, colour: int, before: bytes = b"", *, interlaced: bool = False) -> bytes:
    """Returns a PNG of numbers, `(21, 35, channels)`, with some chunks before its pixels."""
    parts = [pixels[y::down, x::across] for y, x, down, across in _PASSES] if interlaced else [pixels]
    rows = b"".join(b"\0" + row for part in parts for row in packed(part, bits))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, int(interlaced))
    content = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + content


def gif(
    *frames: bytes, width: int = WIDTH, height: int = HEIGHT, palette: np.ndarray | None = None, background: int = 0
) -> bytes:
    """Returns a GIF of frames with a palette of 16 colours, or none."""
    flags = 0x70 | (0x83 if palette is not None else 0)
    table = b"" if palette is None else palette.tobytes()
    return b"GIF89a" + struct.pack("<HHBBB", width, height, flags, background, 0) + table + b"".join(frames) + b";"


def frame(
    left: int,
    top: int,
    pixels: np.ndarray,
    *,
    palette: np.ndarray | None = None,
    transparent: int | None = None,
    interlaced: bool = False,
) -> bytes:
    """Returns a GIF's frame of numbers up to 15, whose codes are all as long."""
    control = b"" if transparent is None else b"\x21\xf9\4" + bytes([1, 0, 0, transparent, 0])
    order = [*range(0, 1000, 8), *range(4, 1000, 8), *range(2, 1000, 4), *range(1, 1000, 2)]
    rows = pixels[[row for row in order if row < len(pixels)]] if interlaced else pixels
    codes = [code for index, one in enumerate(rows.flat) for code in ([16] if index % 14 == 0 else []) + [int(one)]]
    text = "".join(f"{code:05b}"[::-1] for code in [*codes, 17])
    data = np.packbits(np.array([*text], np.uint8), bitorder="little").tobytes()
    blocks = b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255))
    flags = (0x40 if interlaced else 0) | (0x83 if palette is not None else 0)
    place = struct.pack("<HHHHB", left, top, pixels.shape[1], pixels.shape[0], flags)
    return control + b"," + place + (b"" if palette is None else palette.tobytes()) + b"\4" + blocks + b"\0"


def tiff(orientation: int, order: str = "<", kind: int = 3, before: int = 0) -> bytes:
    """Returns EXIF's block of an orientation, of TIFF's type short or long, behind so many other entries."""
    entries = b"".join(struct.pack(f"{order}HHII", 0x100 + index, 4, 1, 7) for index in range(before))
    entries += struct.pack(f"{order}HHI", 0x112, kind, 1) + struct.pack(
        order + ("I" if kind == 4 else "HH"), *((orientation,) if kind == 4 else (orientation, 0))
    )
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return start + struct.pack(f"{order}H", before + 1) + entries + bytes(4)


def _bmps() -> dict[str, bytes]:
    blue_first = [row[..., ::-1].tobytes() for row in COLOURS]
    found = {f"24, header of {header}": bmp(24, blue_first, header=header) for header in (12, 40, 52, 56, 64, 108, 124)}
    found |= {"24, top down": bmp(24, blue_first, height=-HEIGHT), "24, palette": bmp(24, blue_first, PALETTE[:5])}
    found["24, tail"] = bmp(24, blue_first) + b"tail"
    for bits in (1, 4, 8):
        rows, table = packed(values(bits), bits), PALETTE[: 1 << bits]
        found |= {
            f"{bits}": bmp(bits, rows, table),
            f"{bits}, no count": bmp(bits, rows, table, colours=0),
            f"{bits}, OS/2": bmp(bits, rows, table, header=12),
            f"{bits}, V5": bmp(bits, rows, table, header=124),
            f"{bits}, gap": bmp(bits, rows, table, gap=6),
            f"{bits}, top down": bmp(bits, rows, table, height=-HEIGHT),
            f"{bits}, greys": bmp(bits, rows, _GREYS[np.linspace(0, 255, 1 << bits).astype(int)]),
            f"{bits}, greys from white": bmp(bits, rows, _GREYS[np.linspace(255, 0, 1 << bits).astype(int)]),
        }
    few = values(8) % 3
    found |= {"8, short palette": bmp(8, packed(few, 8), PALETTE[:3]), "4, short": bmp(4, packed(few, 4), PALETTE[:3])}
    found |= {
        f"8, beyond {name}": bmp(8, packed(few + 5, 8), table[:6])
        for name, table in (("colours", PALETTE), ("greys", _GREYS))
    }
    rows = [row.astype("<u2").tobytes() for row in values(16)]
    five_six_five, five = (0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)
    found |= {"16": bmp(16, rows), "16, 555": bmp(16, rows, compression=3, masks=five)}
    found |= {
        f"16, 565 in {header}": bmp(16, rows, compression=3, header=header, masks=five_six_five) for header in (40, 108)
    }
    rows = [row.astype("<u4").tobytes() for row in values(32)]
    found |= {"32": bmp(32, rows), "32, V5": bmp(32, rows, header=124)}
    red, green, blue, alpha = 0xFF0000, 0xFF00, 0xFF, 0xFF000000
    for masks in (
        (red, green, blue, 0),
        (alpha, red, green, 0),
        (alpha, green, blue, 0),
        (alpha, red, green, blue),
        (blue, green, red, alpha),
        (red, green, blue, alpha),
        (alpha, green, blue, red),
        (0, 0, 0, 0),
    ):
        found[f"32, masks {masks}"] = bmp(32, rows, compression=3, header=108, masks=masks)
    found |= {
        f"32, masks in {header}": bmp(32, rows, compression=3, header=header, masks=(red, green, blue))
        for header in (40, 52)
    }
    return {f"bmp {name}": content for name, content in found.items()}


def _pngs() -> dict[str, bytes]:
    found = {}
    for is_interlaced in (False, True):
        for bits in (1, 2, 4, 8):
            table = chunk(b"PLTE", PALETTE[: 1 << bits].tobytes())
            for name, before in (("", b""), (", tRNS", chunk(b"tRNS", b"\0\1"))):
                found[f"{bits}, grey{name}, {is_interlaced}"] = png(
                    values(bits), bits, 0, before, interlaced=is_interlaced
                )
                found[f"{bits}, palette{name}, {is_interlaced}"] = png(
                    values(bits), bits, 3, table + before, interlaced=is_interlaced
                )
        for colour, channels in ((2, 3), (4, 2), (6, 4)):
            found[f"8, type {colour}, {is_interlaced}"] = png(values(8, channels), 8, colour, interlaced=is_interlaced)
    first = struct.pack(">HHH", *map(int, COLOURS[0, 0]))
    for name, before in (
        ("tRNS", chunk(b"tRNS", first)),
        ("gAMA", chunk(b"gAMA", struct.pack(">I", 100_000))),
        ("gAMA and sBIT", chunk(b"gAMA", struct.pack(">I", 45_455)) + chunk(b"sBIT", b"\5\6\5")),
        ("bKGD", chunk(b"bKGD", bytes(6))),
        ("PLTE", chunk(b"PLTE", PALETTE[:4].tobytes())),
    ):
        found[f"colours, {name}"] = png(COLOURS, 8, 2, before)
    found["short palette"] = png(values(8) % 3, 8, 3, chunk(b"PLTE", PALETTE[:3].tobytes()))
    image = Image.fromarray(COLOURS)
    for name, is_apart in (("moving", False), ("moving, another first", True)):
        found[name] = encoded(image, save_all=True, append_images=[image.rotate(180)], default_image=is_apart)
    return {f"png {name}": content for name, content in found.items()}


def _gifs() -> dict[str, bytes]:
    whole, small = values(4), values(4)[:9, :12]
    table, other = PALETTE[:16], PALETTE[100:116]
    found = {
        "plain": gif(frame(0, 0, whole), palette=table),
        "local palette": gif(frame(0, 0, whole, palette=other), palette=table),
        "local palette alone": gif(frame(0, 0, whole, palette=other)),
        "interlaced": gif(frame(0, 0, whole, interlaced=True), palette=table),
        "transparent": gif(frame(0, 0, whole, transparent=5), palette=table, background=2),
        "transparent and local": gif(frame(0, 0, whole, palette=other, transparent=0), palette=table),
        "small": gif(frame(4, 5, small), palette=table, background=3),
        "small and local": gif(frame(4, 5, small, palette=other), palette=table, background=3),
        "small and transparent": gif(frame(4, 5, small, transparent=7), palette=table, background=3),
        "small, no palette of all": gif(frame(4, 5, small, palette=other), background=3),
        "small, then whole": gif(frame(4, 5, small), frame(0, 0, whole), palette=table),
        "beyond the canvas": gif(frame(30, 15, small), palette=table, background=3),
        "larger than the canvas": gif(frame(0, 0, whole), width=30, height=16, palette=table),
        "two frames": gif(frame(0, 0, whole), frame(3, 3, small, palette=other, transparent=2), palette=table),
        "comment": gif(b"\x21\xfe\5hello\3abc\0", frame(0, 0, whole, transparent=1), palette=table),
        "no end": gif(frame(0, 0, whole), palette=table)[:-1],
    }
    return {f"gif {name}": content for name, content in found.items()}


def _webps() -> dict[str, bytes]:
    alpha = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 1), np.uint8)
    alpha[3:9, 4:20] = 0
    clear, plain = Image.fromarray(np.concatenate([COLOURS, alpha], 2)), Image.fromarray(COLOURS)
    found = {
        "lossy": encoded(plain, "WEBP"),
        "lossless": encoded(plain, "WEBP", lossless=True),
        "transparent, lossy": encoded(clear, "WEBP", quality=90),
        "transparent, lossless": encoded(clear, "WEBP", lossless=True),
        "transparent, exact": encoded(clear, "WEBP", lossless=True, exact=True),
        "profile": encoded(plain, "WEBP", icc_profile=b"x" * 200),
    }
    return {f"webp {name}": content for name, content in found.items()}


def smooth() -> Image.Image:
    """Returns an image such as a camera's, of odd sides, with strong colours and some noise."""
    large = np.asarray(Image.fromarray(COLOURS).resize((106, 64), Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(
        np.clip(large + np.random.default_rng(2).integers(-9, 10, large.shape), 0, 255).astype(np.uint8)
    )


def _jpegs() -> dict[str, bytes]:
    image, stream = smooth(), io.BytesIO()
    image.save(stream, "MPO", save_all=True, append_images=[image.rotate(180)])
    four = encoded(image, "JPEG", "CMYK")
    begin = four.index(b"Adobe") - 4
    found = {
        f"{4 - sampling}, {quality}, {is_progressive}": encoded(
            image, "JPEG", subsampling=sampling, quality=quality, progressive=is_progressive
        )
        for sampling in range(3)
        for quality in (60, 95)
        for is_progressive in (False, True)
    }
    found |= {
        "grey": encoded(image, "JPEG", "L"),
        "four colours": four,
        "four colours, no marker": four[:begin] + four[begin + 16 :],
        "four colours, by brightness": four[: begin + 15] + b"\2" + four[begin + 16 :],
        "red, green, blue": encoded(image, "JPEG", keep_rgb=True),
        "restarts": encoded(image, "JPEG", restart_marker_blocks=2),
        "tail": encoded(image, "JPEG") + bytes(100),
        "several": stream.getvalue(),
    }
    return {f"jpeg {name}": content for name, content in found.items()}


EXACT = {**_bmps(), **_pngs(), **_gifs(), **_webps()}  # decoded as Pillow decodes them
NEAR = _jpegs()  # decoded to 2 of 255
DEEP = {  # of 16 bits
    f"png of type {colour}, {is_interlaced}": (
        png(values(16, channels), 16, colour, interlaced=is_interlaced),
        channels,
    )
    for colour, channels in ((0, 1), (2, 3), (4, 2), (6, 4))
    for is_interlaced in (False, True)
}


def _refused() -> dict[str, tuple[bytes, str, str]]:
    jpeg = encoded(smooth(), "JPEG")
    at = jpeg.index(b"\xff\xc0")
    deep = jpeg[: at + 1] + b"\xc1" + jpeg[at + 2 : at + 4] + b"\x0c" + jpeg[at + 5 :]
    lossless = jpeg[: at + 1] + b"\xc3" + jpeg[at + 2 :]
    moving = encoded(smooth(), "WEBP", save_all=True, append_images=[smooth().rotate(180)])
    rule = "a BMP must have 1, 4, 8, 16, 24 or 32 bits per pixel and no compression"
    rows = packed(values(8), 8)
    return {
        "bmp of run lengths": (bmp(8, rows, PALETTE, compression=1), f"{rule}. Received: 8 bits, compression 1", rule),
        "bmp of two bits": (bmp(2, rows, PALETTE[:4]), f"{rule}. Received: 2 bits, compression 0", rule),
        "bmp of a png": (bmp(0, rows, compression=5), f"{rule}. Received: 0 bits, compression 5", rule),
        "bmp, masks of 24 bits": (
            bmp(24, rows, compression=3, masks=(1, 2, 4)),
            "a BMP of 24 bits per pixel with the masks 0x1, 0x2, 0x4",
            rule,
        ),
        "bmp, strange header": (bmp(24, rows, header=48), "a BMP with a header of 48 bytes", rule),
        "jpeg of 12 bits": (deep, "Received: 12 bits, 3 values, frame type 1", "Invalid JPEG"),
        "jpeg, lossless": (lossless, "Received: 8 bits, 3 values, frame type 3", "Invalid JPEG"),
        "webp that moves": (moving, "a WebP must be one image, not an animation", "a WebP must be one image"),
        "gif without colours": (
            gif(frame(0, 0, values(4))),
            "a GIF must contain an image",
            "a GIF must contain an image",
        ),
        "gif without an image": (gif(), "a GIF must contain an image", "a GIF must contain an image"),
    }


REFUSED = _refused()  # each with what Python and what a graph says of it
