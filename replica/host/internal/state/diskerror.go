package state

// DiskError is a failure of the disk, which stops acknowledging and not reading.
type DiskError struct{ error }

// Unwrap is what the store said.
func (e DiskError) Unwrap() error { return e.error }

// OnDisk marks an error as one of the disk; nil stays nil.
func OnDisk(err error) error {
	if err == nil {
		return nil
	}
	return DiskError{err}
}
