package rows

import (
	"errors"
	"fmt"

	"kvd/logical"
	"kvd/storage/codec"
)

// incarnationsFormat is the version of this layout:
//
//	format, origin …, ascending
const incarnationsFormat = 1

// AppendIncarnations appends origins, which ascend, to dst.
func AppendIncarnations(dst []byte, origins []logical.Origin) []byte {
	e := codec.Encode(dst).Array(1 + len(origins)).Uint(incarnationsFormat)
	for _, o := range origins {
		e.Uint(uint64(o))
	}
	return e.Done()
}

// DecodeIncarnations reads what AppendIncarnations wrote and nothing else.
func DecodeIncarnations(b []byte) ([]logical.Origin, error) {
	d := codec.NewDecoder("incarnations", b)
	n := d.ArrayBehind(1, codec.MaxDeps)
	d.Format(incarnationsFormat)
	var origins []logical.Origin
	for i := 0; i < n && !d.Failed(); i++ {
		origins = append(origins, logical.Origin(d.Uint()))
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return origins, CheckIncarnations(origins)
}

// CheckIncarnations says why origins cannot be encoded.
func CheckIncarnations(origins []logical.Origin) error {
	if len(origins) > codec.MaxDeps {
		return fmt.Errorf("%d incarnations; the limit is %d", len(origins), codec.MaxDeps)
	}
	for i, o := range origins {
		if o == 0 || i > 0 && origins[i-1] >= o {
			return errors.New("the incarnations do not ascend")
		}
	}
	return nil
}
