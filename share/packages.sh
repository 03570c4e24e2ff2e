# packages.sh - Debian packages by purpose, and how to get them. Sourced, not run.

# To build and run the programs.
packages_build='build-essential ca-certificates cmake ninja-build pkg-config libncurses-dev libcurl4-openssl-dev libhttp-parser-dev libcjson-dev
libssh2-1-dev libpq-dev libyaml-dev libssl-dev libmicrohttpd-dev libssh-dev'

# What the tests need beside that: a test framework, the second compiler and its tools, and the real servers.
packages_test='at check curl locales openssl procps libsubunit-dev clang clang-format clang-tidy libclang-rt-14-dev valgrind tmux
prometheus openssh-server openssh-client psmisc python3 postgresql pgbouncer haproxy patroni python3-etcd python3-yaml etcd-server etcd-client
prometheus-alertmanager prometheus-node-exporter prometheus-postgres-exporter victoria-metrics'

# packages_install NAME...: installs what is missing, says so first, and never starts a service.
packages_install() {
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	echo "installing from Debian's packages:$missing" >&2
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null 2>&1 || {
			echo "these packages are missing and only root can install them:$missing" >&2
			return 1
		}
		as_root=sudo
	fi
	# The servers are for tests that start them by hand: installing must not start a system service.
	policy=/usr/sbin/policy-rc.d
	made_policy=
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null && $as_root chmod 755 $policy && made_policy=1
	fi
	status=0
	{
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
			$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
	} >&2 || status=1
	[ -z "$made_policy" ] || $as_root rm -f $policy
	return $status
}
