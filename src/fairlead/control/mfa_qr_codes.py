"""The seed of a new virtual MFA device as a picture that authenticator apps read."""

from io import BytesIO
from urllib.parse import quote

_PIXELS_PER_MODULE = 6


def otpauth_uri(device_name: str, account_id: str, base32_seed: bytes) -> str:
    """What the picture says: `otpauth://totp/$virtualMFADeviceName@$AccountName?secret=$Base32String`
    (IAM API Reference, "VirtualMFADevice")."""
    return f"otpauth://totp/{quote(f'{device_name}@{account_id}', safe='@')}?secret={base32_seed.decode()}"


def qr_code_png(text: str) -> bytes:
    """A QR code as a black and white PNG, with the margin that readers need. Some milliseconds of work."""
    import segno  # late: it costs the start of every server 50 ms, and devices are made rarely

    png = BytesIO()
    segno.make(text, error="l", micro=False).save(png, kind="png", scale=_PIXELS_PER_MODULE)
    return png.getvalue()
