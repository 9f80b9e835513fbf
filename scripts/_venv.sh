# Shared by scripts/run and scripts/test: finds a Python, makes the virtual environment, installs gridsvc into it.
# Sourced, not run. Needs $root; sets $venv (default .venv in the checkout; GRIDSVC_VENV names another).

venv=${GRIDSVC_VENV:-$root/.venv}

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "error: $1"
    say "错误：$2"
    exit "${3:-1}"
}

is_root() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; }

# install Debian packages, quietly unless it fails
install_packages() {
    local log
    log=$(mktemp)
    if apt-get update -qq >"$log" 2>&1 &&
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >>"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
}

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

can_make_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# print the first Python that is new enough and can make virtual environments, else the first new enough
find_python() {
    local candidate found=""
    for candidate in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3 python; do
        command -v "$candidate" >/dev/null && new_enough "$candidate" || continue
        if can_make_venvs "$candidate"; then
            echo "$candidate"
            return
        fi
        found=${found:-$candidate}
    done
    echo "$found"
}

make_venv() {
    local python have
    python=$(find_python)
    if [ -z "$python" ]; then
        have=$(python3 --version 2>/dev/null || echo none)
        fail "gridsvc needs Python 3.11 or newer (found: $have); install one, or name it: PYTHON=/path/to/python3 $0" \
            "gridsvc 需要 Python 3.11 或更高版本（现有：$have）；请安装，或用 PYTHON=/路径/python3 $0 指定"
    fi
    if ! can_make_venvs "$python"; then
        { is_root && say "installing python3-venv" && install_packages python3-venv && can_make_venvs "$python"; } ||
            fail "$python cannot make virtual environments (ensurepip is missing); on Debian: apt-get install python3-venv" \
                "$python 无法创建虚拟环境（缺少 ensurepip）；Debian 系统请执行：apt-get install python3-venv"
    fi
    # --clear empties the folder: only ever a virtual environment's own
    if [ -e "$venv" ] && [ ! -f "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv")" ]; then
        fail "$venv is not a virtual environment; move it away, or name another folder with GRIDSVC_VENV" \
            "$venv 不是虚拟环境；请移走它，或用 GRIDSVC_VENV 指定其他文件夹"
    fi
    say "making $venv"
    "$python" -m venv --clear "$venv" ||
        fail "the virtual environment $venv could not be made" "无法创建虚拟环境 $venv"
}

# install [EXTRA]: the project, editable, with one extra; nothing is done when nothing changed since the last time
install_project() {
    local extra=${1:-} wanted
    # a virtual environment does not survive being moved, nor its Python being removed
    if [ ! -f "$venv/pyvenv.cfg" ] || ! "$venv/bin/python" -c 'import pip' >/dev/null 2>&1; then
        make_venv
    elif [ -e "$venv/gridsvc-root" ] && [ "$(cat "$venv/gridsvc-root")" != "$root" ]; then
        make_venv
    fi
    echo "$root" >"$venv/gridsvc-root"
    wanted=$("$venv/bin/python" -c 'import hashlib, sys
print(sys.version.split()[0], hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$root/pyproject.toml")
    if [ "$(cat "$venv/gridsvc-installed-$extra" 2>/dev/null)" = "$wanted" ] && [ -x "$venv/bin/gridsvc" ]; then
        return
    fi
    say "installing gridsvc${extra:+ with what the tests need} into $venv"
    if ! "$venv/bin/python" -m pip install -qq --disable-pip-version-check --editable "$root${extra:+[$extra]}"; then
        fail "gridsvc could not be installed; pip's message stands above" "gridsvc 安装失败，原因见上方 pip 的输出"
    fi
    echo "$wanted" >"$venv/gridsvc-installed-"
    echo "$wanted" >"$venv/gridsvc-installed-$extra"
}
