"""Holds every connection slot of one PostgreSQL that an application may have, until it is stopped.

The pooler's own connections are ended over and over, so that their slots are taken too; monitoring keeps its session.
Usage: hold.py PORT SOCKET_DIRECTORY; the password of user `hog` is in PGPASSWORD.
"""
import os
import sys
import time

import psycopg2


def main():
    port, sockets = int(sys.argv[1]), sys.argv[2]
    keeper = psycopg2.connect(host=sockets, port=port, dbname="app", user=os.environ["LAB_SUPERUSER"], password="")
    keeper.autocommit = True
    held = []
    while True:
        try:
            held.append(psycopg2.connect(host="127.0.0.1", port=port, dbname="app", user="hog", sslmode="disable"))
            continue
        except psycopg2.OperationalError:
            pass
        with keeper.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
