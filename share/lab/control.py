"""The control endpoint: weights of clusters, set on HAProxy's runtime socket by whoever has the token.

GET  /v1/clusters/NAME/weight            {"cluster": "east", "weight": 100}
POST /v1/clusters/NAME/weight {"weight": 80}   0 to 256, read back before it is answered; Authorization: Bearer TOKEN
POST /alerts                             where Alertmanager delivers: appended with its time of arrival to ALERTS_FILE
Usage: control.py PORT HAPROXY_SOCKET TOKEN_FILE ALERTS_FILE CLUSTER...
"""
import asyncio
import hmac
import json
import pathlib
import re
import sys
import time

from web import answer, serve


class Control:
    def __init__(self, socket, token, alerts, clusters):
        self.socket, self.token, self.alerts, self.clusters = socket, token, alerts, clusters

    async def tell(self, line):
        """One line to HAProxy; it answers with text and closes. An empty answer is success."""
        reader, writer = await asyncio.open_unix_connection(self.socket)
        try:
            writer.write(line.encode() + b"\n")
            return (await asyncio.wait_for(reader.read(65536), 2)).decode().strip()
        finally:
            writer.close()

    async def weight(self, cluster):
        text = await self.tell(f"get weight be_edge/{cluster}")  # "100 (initial 100)"
        match = re.match(r"(\d+) \(initial", text)
        if not match:
            raise OSError(text)
        return int(match.group(1))

    def allowed(self, request):
        return hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.token}")

    async def weights(self, request, cluster):
        if not self.allowed(request):
            return answer(401, {"error": "a bearer token is needed"})
        if cluster not in self.clusters:
            return answer(404, {"error": f"no cluster '{cluster}'"})
        try:
            if request.method == "POST":
                wanted = float(request.json()["weight"])
                if not 0 <= wanted <= 256:
                    return answer(400, {"error": "weight: 0 to 256"})
                trouble = await self.tell(f"set weight be_edge/{cluster} {round(wanted)}")
                if trouble:
                    return answer(502, {"error": trouble})
            return answer(200, {"cluster": cluster, "weight": await self.weight(cluster)})
        except (OSError, asyncio.TimeoutError) as trouble:
            return answer(502, {"error": f"HAProxy: {trouble}"})

    async def handle(self, request):
        match = re.fullmatch(r"/v1/clusters/([a-z0-9-]+)/weight", request.path)
        if match and request.method in ("GET", "POST"):
            return await self.weights(request, match.group(1))
        if request.path == "/alerts" and request.method == "POST":
            with open(self.alerts, "a", encoding="utf-8") as file:
                for alert in request.json()["alerts"]:
                    file.write(json.dumps({"arrived": time.time(), "status": alert["status"],
                                           "name": alert["labels"]["alertname"], "labels": alert["labels"],
                                           "starts": alert["startsAt"]}) + "\n")
            return answer(200)
        if request.path == "/health":
            return answer(200, "ok\n")
        return answer(404)


def main():
    port, socket, token_file, alerts = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    token = pathlib.Path(token_file).read_text(encoding="ascii").strip()
    asyncio.run(serve(port, Control(socket, token, alerts, sys.argv[5:]).handle))


if __name__ == "__main__":
    main()
