package scenarios

import "kvd/resolve"

// Options is what a run depends on, beside the script.
type Options struct {
	Resolver resolve.ID   // serves every key that the script gives to nobody else
	Shadows  resolve.Mask // watch every key
	Seed     uint64
}
