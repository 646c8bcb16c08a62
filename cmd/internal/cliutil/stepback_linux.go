package cliutil

import (
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// backRow is the niceness of work that can wait: a tenth of a processor's time
// beside a program that does not step back, and all of it beside none.
const backRow = 10

// StepBack lets the process go behind others that want the processor too. Threads
// have priorities of their own on Linux; those that are begun later follow the
// thread that begins them.
func StepBack() error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("step back: %w", err)
	}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err == nil {
			err = unix.Setpriority(unix.PRIO_PROCESS, id, backRow)
		}
		if err != nil && err != unix.ESRCH { // a thread may have ended meanwhile
			return fmt.Errorf("step back: thread %s: %w", t.Name(), err)
		}
	}
	return nil
}
