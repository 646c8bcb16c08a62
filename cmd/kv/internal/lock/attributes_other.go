//go:build unix && !linux

package lock

import "syscall"

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
