"""Holds every connection slot of one PostgreSQL that an application may have, until it is stopped.

It comes in by the server's own socket, where no password slows it down: all slots are gone within a quarter of a second. The
pooler's own connections are ended over and over, so that their slots are taken too; monitoring keeps its session.
Usage: hold.py PORT SOCKET_DIRECTORY SUPERUSER
"""
import sys
import time

import psycopg2


def main():
    port, sockets, superuser = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    keeper = psycopg2.connect(host=sockets, port=port, dbname="app", user=superuser)
    keeper.autocommit = True
    held = []
    while True:
        try:
            held.append(psycopg2.connect(host=sockets, port=port, dbname="app", user="hog"))
            continue
        except psycopg2.OperationalError:
            pass
        with keeper.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
