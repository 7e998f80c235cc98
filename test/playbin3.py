# Plays a URL to the end with GStreamer's playbin3: playbin3.py URL [COOKIES].
# The cookies are sent with every request, as the header Cookie. Without a URL it
# fails if an element that it needs is not installed.
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst

Gst.init(None)

if len(sys.argv) == 1:
    missing = [
        name
        for name in ("playbin3", "souphttpsrc", "hlsdemux", "tsdemux", "avdec_h264", "avdec_aac")
        if Gst.ElementFactory.find(name) is None
    ]
    sys.exit("missing: " + " ".join(missing) if missing else 0)


def add_cookies(_, source):
    # Not extra-headers: libsoup replaces the header Cookie.
    source.set_property("cookies", sys.argv[2].split("; "))


player = Gst.ElementFactory.make("playbin3")
player.set_property("uri", sys.argv[1])
for kind in ("video", "audio"):
    sink = Gst.ElementFactory.make("fakesink")
    sink.set_property("sync", False)
    player.set_property(f"{kind}-sink", sink)
if len(sys.argv) > 2:
    player.connect("source-setup", add_cookies)

player.set_state(Gst.State.PLAYING)
message = player.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.ERROR | Gst.MessageType.EOS)
player.set_state(Gst.State.NULL)
if message is None:
    sys.exit("timed out")
if message.type == Gst.MessageType.ERROR:
    sys.exit(" ".join(map(str, message.parse_error())))
