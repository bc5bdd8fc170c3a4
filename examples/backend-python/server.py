"""
A back end with one address, `GET /ice`: ICE servers for whoever is logged in. Standard library alone, Python 3.9 or newer.

    RELAY_API=https://relay.example.com RELAY_KEY=ibk_… PORT=3000 python3 server.py
"""

import json
import os
import re
import sys
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

API = os.environ["RELAY_API"].rstrip("/")
KEY = os.environ["RELAY_KEY"]


def ice_for(user, ttl=3600):
    """
    Mints ICE credentials for one user of yours, and returns what the browser needs of them.

    The key stays here: only `iceServers`, and how long they are good for, go to the browser. The label bounds what one
    person can do and makes the pair theirs alone, so that it can be revoked without touching anybody else.
    """
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    body = json.dumps({"ttl": ttl, "label": user}).encode()
    with urlopen(Request(f"{API}/v1/credentials", body, headers), timeout=5) as response:
        answer = json.load(response)
    return {"iceServers": answer["iceServers"], "ttl": answer["ttl"]}


def user_of(headers):
    """Stands for your own log-in, which must be a session that the browser cannot make up: this cookie anybody can."""
    cookie = SimpleCookie(headers.get("Cookie", "")).get("user")
    return cookie.value if cookie and re.fullmatch(r"[A-Za-z0-9._@-]{1,128}", cookie.value) else None


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/ice":
            return self.reply(404, {"error": "not found"})
        user = user_of(self.headers)
        if user is None:
            return self.reply(401, {"error": "log in first"})
        try:
            self.reply(200, ice_for(user))
        except HTTPError as error:
            # The reason is for you; to the browser it is one of your back end's troubles.
            print(f"The relay said {json.load(error)['code']}", file=sys.stderr)
            self.reply(502, {"error": "no relay now"})
        except URLError as error:
            print(error, file=sys.stderr)
            self.reply(502, {"error": "no relay now"})

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
print(f"http://127.0.0.1:{server.server_port}/ice", flush=True)
server.serve_forever()
