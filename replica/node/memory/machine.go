package memory

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// assumed is what a machine has that does not say what it has.
const assumed = 1 << 30

// Share is the part of the machine's memory that a leader takes if nobody says otherwise: a
// quarter of what system says that the process may have, and at least Min. System is the
// root of the machine's filesystem.
func Share(system fs.FS) int64 { return max(Min, available(system)/4) }

// available is what the machine has, or the least limit of the process' control groups.
func available(system fs.FS) int64 {
	has := physical(system)
	for _, file := range limitFiles(system) {
		if n, ok := number(system, file); ok && n < has {
			has = n
		}
	}
	return has
}

// physical is what /proc/meminfo says.
func physical(system fs.FS) int64 {
	text, err := fs.ReadFile(system, "proc/meminfo")
	if err != nil {
		return assumed
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" && fields[2] == "kB" {
			if n, err := strconv.ParseInt(fields[1], 10, 43); err == nil && n > 0 {
				return n << 10
			}
		}
	}
	return assumed
}

// limitFiles is where limits of the process' control groups may stand: of its own group and
// of all above it, in version 2 and 1 (the kernel's admin-guide/cgroup-v2, cgroup-v1/memory).
// In a container the own group is the root.
func limitFiles(system fs.FS) []string {
	files := []string{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"}
	text, err := fs.ReadFile(system, "proc/self/cgroup")
	if err != nil {
		return files
	}
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		kinds, group, _ := strings.Cut(rest, ":")
		root, file := "sys/fs/cgroup", "memory.max"
		switch kinds {
		case "":
		case "memory":
			root, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for group = path.Clean("/" + group); group != "/"; group = path.Dir(group) {
			files = append(files, path.Join(root, group, file))
		}
	}
	return files
}

// number is what the file says; false: there is none, or no limit.
func number(system fs.FS, file string) (int64, bool) {
	text, err := fs.ReadFile(system, file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n, err == nil && n > 0
}
