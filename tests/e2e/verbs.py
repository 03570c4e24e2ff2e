#!/usr/bin/env python3
"""What no package of Debian offers, scripted: a deployment's scale, Envoy's runtime, a knob with an ETag, and a page that
tells a role's limit. Usage: verbs.py PORT PSQL-URL TOKEN-FILE LOG; every change that arrives is a line of LOG."""
import json
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

psql, token_file, log = sys.argv[2:5]
state = {"replicas": 3, "version": 100, "knob": 7, "etag": 1,
         "runtime": {"circuit_breakers.auth.default.retry_budget.budget_percent": "20"}}
SCALE = "/apis/apps/v1/namespaces/prod/deployments/auth/scale"


def scale():
    return {"kind": "Scale", "metadata": {"name": "auth", "resourceVersion": str(state["version"])},
            "spec": {"replicas": state["replicas"]}, "status": {"replicas": state["replicas"]}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def knows_token(self):
        return self.headers.get("Authorization") == "Bearer " + open(token_file).read().strip()

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == SCALE:
            self.answer(200, scale()) if self.knows_token() else self.answer(401, {})
        elif url.path == "/runtime":
            self.answer(200, {"layers": ["static", "admin"], "entries": {
                key: {"layer_values": ["20", value], "final_value": value}
                for key, value in state["runtime"].items()}})
        elif url.path == "/role":
            limit = subprocess.run(["psql", "-qAtX", psql, "-c", "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'auth'"],
                                   capture_output=True, text=True).stdout.strip()
            self.answer(200, {"limit": int(limit)} if limit else {})
        elif url.path == "/knob":
            self.answer(200, {"value": state["knob"]}, [("ETag", '"v%d"' % state["etag"])])
        elif url.path == "/stranger":  # somebody else, in between
            state["replicas"], state["version"] = 9, state["version"] + 1
            self.answer(200, {})
        else:
            self.answer(404, {})

    def change(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with open(log, "a") as out:
            out.write(" ".join([self.command, self.path, self.headers.get("Content-Type") or "-",
                                self.headers.get("If-Match") or "-", self.headers.get("Idempotency-Key") or "-",
                                body.decode()]) + "\n")
        if url.path == SCALE and not self.knows_token():
            self.answer(401, {"said": self.headers.get("Authorization")})
        elif url.path == SCALE:
            asked = json.loads(body)
            if asked["metadata"]["resourceVersion"] != str(state["version"]):
                return self.answer(409, {"reason": "Conflict"})
            state["replicas"], state["version"] = asked["spec"]["replicas"], state["version"] + 1
            self.answer(200, scale())
        elif url.path == "/runtime_modify":
            state["runtime"].update(parse_qsl(url.query))
            self.answer(200, {})
        elif url.path == "/knob":
            if self.headers.get("If-Match") != '"v%d"' % state["etag"]:
                return self.answer(412, {})
            state["knob"], state["etag"] = int(dict(parse_qsl(body.decode()))["value"]), state["etag"] + 1
            self.answer(204, {})
        elif url.path == "/elsewhere":
            self.answer(307, {}, [("Location", "/knob")])
        else:
            self.answer(404, {})

    do_POST = do_PUT = do_PATCH = do_DELETE = change

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
