package ahead

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"kvd/resolve"
)

// Each key that is not at hand is read once; what cannot be read is left out, what is at
// hand stays, and few keys are not read ahead.
func TestFetch(t *testing.T) {
	groups := make([]Group, 3)
	for i := range 2 * minFetched {
		g := &groups[i%3]
		g.Ops = append(g.Ops, &resolve.Op{Key: fmt.Sprintf("k%d", i)}, &resolve.Op{Key: fmt.Sprintf("k%d", i/2)})
	}
	atHand := &resolve.Object{Key: "k7"}
	objects := map[string]*resolve.Object{"k7": atHand}
	var mu sync.Mutex
	times := map[string]int{}
	Fetch(groups, objects, func(key string) (*resolve.Object, error) {
		mu.Lock()
		defer mu.Unlock()
		times[key]++
		if key == "k8" {
			return nil, errors.New("damaged")
		}
		return &resolve.Object{Key: key}, nil
	})
	if len(times) != 2*minFetched-1 || len(objects) != 2*minFetched-1 || objects["k7"] != atHand || objects["k8"] != nil {
		t.Errorf("%d keys were read and %d objects are there, the one at hand is %v, the damaged one %v", len(times), len(objects), objects["k7"], objects["k8"])
	}
	for key, o := range objects {
		if o.Key != key || times[key] > 1 {
			t.Errorf("%s is %v, and was read %d times", key, o, times[key])
		}
	}
	few := []Group{{Ops: groups[0].Ops[:10]}}
	Fetch(few, map[string]*resolve.Object{}, func(key string) (*resolve.Object, error) {
		t.Errorf("%s is read though there are few", key)
		return nil, nil
	})
}
