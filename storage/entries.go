package storage

import (
	"errors"

	"kvd/logical"
	"kvd/storage/internal/logs"
	"kvd/storage/log"
)

// LogEntries yields what is kept of origin's log from seq from on, ascending, until yield
// answers false; the log may begin later ([log.Log.Remove]). It yields each op as [codec.AppendOp] wrote it, without decoding it.
// The bytes are lent until yield returns; copy what is kept. An error of yield
// ends the reading and is returned.
func (s reads) LogEntries(origin logical.Origin, from logical.Seq, yield func(seq logical.Seq, encoded []byte) (bool, error)) error {
	last := ^logical.Seq(0)
	if s.upTo != nil {
		last = s.upTo.At(origin)
	}
	if s.err != nil {
		return s.err
	}
	err := log.ErrRemoved
	for errors.Is(err, log.ErrRemoved) { // meanwhile
		if from = max(from, s.log.First(origin)); from > last {
			return nil
		}
		err = s.log.Ops(origin, from, func(seq logical.Seq, encoded []byte) (bool, error) {
			if from = seq + 1; seq > last {
				return false, nil
			}
			return yield(seq, encoded)
		})
	}
	return wrap(err, "read log of "+origin.String())
}

// Forget makes the store answer, until it is closed, as if its log had lost these ops. It
// is for tests of whoever reads a log that was truncated.
func (s *Store) Forget(dots ...logical.Dot) {
	s.reads.log = logs.Forgetful{Log: s.reads.log, Lost: dots}
}
