//go:build race

package state

import (
	"kvd/logical"
	"kvd/resolve"
)

// poison spoils an object that nobody may refer to any more, where tests look for races:
// whoever does meets nonsense.
func poison(o *resolve.Object) {
	o.Key, o.Versions = "nobody may hold this object", o.Versions[:cap(o.Versions)]
	for i := range o.Versions {
		o.Versions[i] = resolve.Version{Dot: logical.Dot{Origin: 1, Seq: 1}, Mask: 1, Kind: resolve.Put, Value: []byte("poison")}
	}
}
