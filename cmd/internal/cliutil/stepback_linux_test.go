package cliutil

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStepBackTakesEveryThread(t *testing.T) {
	if err := StepBack(); err != nil {
		t.Fatal(err)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil || len(tasks) == 0 {
		t.Fatalf("%d threads, %v", len(tasks), err)
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			t.Fatal(err)
		}
		const none = 20 // what the system call answers for a niceness of zero
		if got, err := unix.Getpriority(unix.PRIO_PROCESS, id); err == nil && got > none-backRow {
			t.Errorf("thread %d has the priority %d", id, got)
		}
	}
}
