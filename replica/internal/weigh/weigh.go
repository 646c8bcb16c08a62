// Package weigh is how much memory objects take.
package weigh

import "kvd/resolve"

// What an object takes beside keys and values, about.
const (
	entryBytes   = 320 // entry, object, and their share of map and ring
	versionBytes = 176
	voidBytes    = 32
)

// Object is about how much memory the object holds, in bytes.
func Object(o *resolve.Object) int64 {
	n := entryBytes + len(o.Key) + versionBytes*len(o.Versions)
	for i := range o.Versions {
		n += len(o.Versions[i].Value) + voidBytes*len(o.Versions[i].Count.Voids)
	}
	return int64(n)
}

// Values is what the values of all versions take.
func Values(o *resolve.Object) (bytes int) {
	for i := range o.Versions {
		bytes += len(o.Versions[i].Value)
	}
	return bytes
}
