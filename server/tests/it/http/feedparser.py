# Reads a feed from standard input as readers do and prints what it understood, or fails where it had to guess.
import json, sys

import feedparser

feed = feedparser.parse(sys.stdin.buffer.read(), response_headers={"content-type": sys.argv[1]})
assert feed.bozo == 0, feed.bozo_exception
keys = ("id", "title", "link", "published_parsed", "updated_parsed")
entries = [{key: entry.get(key) for key in keys} for entry in feed.entries]
json.dump({"version": feed.version, "title": feed.feed.title, "entries": entries}, sys.stdout)
