"""The errors of a request. ``konkyo.service.http.problems`` maps each to a status.

konkyo.models.errors.KonkyoError
└── RequestError
    ├── MalformedUploadError      a body that cannot be parsed
    ├── UnknownHostError          a Host header with a host name that is not trusted
    ├── SlowUploadError           a body that does not arrive in time
    ├── TooLargeError             a body that is too large
    ├── UnsupportedUploadError    a body of an unsupported media type
    ├── UnsupportedImageError     a file that is neither PNG nor JPEG
    ├── UnreadableImageError      a PNG or JPEG that cannot be decoded
    ├── UnsuitableImageError      an intact image that cannot be used: animated, too large, of another size
    ├── UnknownModelError         no checkpoint of that name
    ├── NotAcceptableError        an Accept header that allows neither JSON nor PNG
    ├── UnauthorizedError         no key, or a wrong one
    ├── BusyError                 more requests than can be answered in time
    └── GoneError                 a client that does not wait for its answer
"""

from konkyo.models.errors import KonkyoError


class RequestError(KonkyoError):
    """Base of all errors of a request. No message repeats text of the client's."""


class MalformedUploadError(RequestError):
    """A body that cannot be parsed."""


class SlowUploadError(RequestError):
    """A body that does not arrive in time."""


class UnknownHostError(RequestError):
    """A Host header with a host name that is not trusted."""


class TooLargeError(RequestError):
    """A body that is too large."""


class UnsupportedUploadError(RequestError):
    """A body of an unsupported media type."""


class UnsupportedImageError(RequestError):
    """A file that is neither PNG nor JPEG."""


class UnreadableImageError(RequestError):
    """A PNG or JPEG that cannot be decoded."""


class UnsuitableImageError(RequestError):
    """An intact image that cannot be used: animated, too large, of another size."""


class UnknownModelError(RequestError):
    """No checkpoint of that name."""


class NotAcceptableError(RequestError):
    """An Accept header that allows neither JSON nor PNG."""


class UnauthorizedError(RequestError):
    """No key, or a wrong one."""


class BusyError(RequestError):
    """More requests than can be answered in time."""


class GoneError(RequestError):
    """A client that does not wait for its answer."""
