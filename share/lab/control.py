"""The control endpoint: weights of clusters and states of replicas, set on HAProxy's runtime socket by whoever has the token.

GET  /v1/clusters/NAME/weight            {"cluster": "east", "weight": 100}
POST /v1/clusters/NAME/weight {"weight": 80}   0 to 256, read back before it is answered; Authorization: Bearer TOKEN
GET  /v1/clusters/NAME/replicas/NAME/state             {"cluster": "east", "replica": "r1", "state": "ready"}
POST /v1/clusters/NAME/replicas/NAME/state {"state": "drain"}   ready, drain or maint, likewise
POST /alerts                             where Alertmanager delivers: appended with its time of arrival to ALERTS_FILE
Usage: control.py PORT HAPROXY_SOCKET TOKEN_FILE ALERTS_FILE CLUSTER=REPLICA,REPLICA...
"""
import asyncio
import hmac
import json
import pathlib
import re
import sys
import time

from web import answer, serve

STATES = ("ready", "drain", "maint")
FORCED_MAINT, FORCED_DRAIN = 0x01, 0x08  # of srv_admin_state


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

    async def state(self, cluster, replica):
        lines = (await self.tell(f"show servers state be_{cluster}")).splitlines()
        names = lines[1].lstrip("# ").split() if len(lines) > 1 else []
        for row in (dict(zip(names, line.split())) for line in lines[2:]):
            if row["srv_name"] == replica:
                mask = int(row["srv_admin_state"])
                return "maint" if mask & FORCED_MAINT else "drain" if mask & FORCED_DRAIN else "ready"
        raise OSError(f"no server {replica} in be_{cluster}")

    def allowed(self, request):
        return hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.token}")

    async def change(self, line):
        """HAProxy says nothing when it has done what it was told."""
        trouble = await self.tell(line)
        if trouble:
            raise OSError(trouble)

    async def weights(self, request, cluster):
        if request.method == "POST":
            wanted = float(request.json()["weight"])
            if not 0 <= wanted <= 256:
                return answer(400, {"error": "weight: 0 to 256"})
            await self.change(f"set weight be_edge/{cluster} {round(wanted)}")
        return answer(200, {"cluster": cluster, "weight": await self.weight(cluster)})

    async def states(self, request, cluster, replica):
        if replica not in self.clusters[cluster]:
            return answer(404, {"error": f"no replica '{replica}' in {cluster}"})
        if request.method == "POST":
            wanted = request.json()["state"]
            if wanted not in STATES:
                return answer(400, {"error": f"state: {', '.join(STATES)}"})
            await self.change(f"set server be_{cluster}/{replica} state {wanted}")
        return answer(200, {"cluster": cluster, "replica": replica, "state": await self.state(cluster, replica)})

    async def clustered(self, request, cluster, replica):
        if not self.allowed(request):
            return answer(401, {"error": "a bearer token is needed"})
        if cluster not in self.clusters:
            return answer(404, {"error": f"no cluster '{cluster}'"})
        try:
            return await (self.states(request, cluster, replica) if replica else self.weights(request, cluster))
        except (OSError, asyncio.TimeoutError) as trouble:
            return answer(502, {"error": f"HAProxy: {trouble}"})

    async def handle(self, request):
        match = re.fullmatch(r"/v1/clusters/([a-z0-9-]+)/(?:weight|replicas/([a-z0-9-]+)/state)", request.path)
        if match and request.method in ("GET", "POST"):
            return await self.clustered(request, *match.groups())
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
    clusters = {name: replicas.split(",") for name, replicas in (word.split("=") for word in sys.argv[5:])}
    asyncio.run(serve(port, Control(socket, token, alerts, clusters).handle))


if __name__ == "__main__":
    main()
