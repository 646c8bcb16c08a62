package node

import (
	"testing"

	"go.uber.org/goleak"
)

// Leaders that have stopped leave nothing running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
