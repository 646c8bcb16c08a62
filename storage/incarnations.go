package storage

import (
	"errors"
	"fmt"

	"kvd/logical"
)

// incarnationsFormat is the version of this layout:
//
//	format, origin …, ascending
const incarnationsFormat = 1

// AppendIncarnations appends the encoding of lives, which ascend, to dst.
func AppendIncarnations(dst []byte, lives []logical.Origin) []byte {
	dst = append(appendArray(dst, 1+len(lives)), incarnationsFormat)
	for _, o := range lives {
		dst = appendUint(dst, uint64(o))
	}
	return dst
}

// DecodeIncarnations reads what [AppendIncarnations] wrote and nothing else.
func DecodeIncarnations(b []byte) ([]logical.Origin, error) {
	r := newReader("lives", b)
	n := r.array("lives", 1+MaxDeps, 1) - 1
	r.require(n >= 0 && r.uint() == incarnationsFormat, "the format is not known to this version of the program")
	var lives []logical.Origin
	for i := 0; i < n && r.err == nil; i++ {
		lives = append(lives, logical.Origin(r.uint()))
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return lives, checkIncarnations(lives)
}

// checkIncarnations says why lives cannot be encoded.
func checkIncarnations(lives []logical.Origin) error {
	if len(lives) > MaxDeps {
		return fmt.Errorf("%d lives; the limit is %d", len(lives), MaxDeps)
	}
	for i, o := range lives {
		if o == 0 || i > 0 && lives[i-1] >= o {
			return errors.New("the lives do not ascend")
		}
	}
	return nil
}
