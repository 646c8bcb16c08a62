package curve

// Curve is what was counted. Its JSON form is that of --output json.
type Curve struct {
	Scenario string   `json:"scenario"`
	Title    string   `json:"title"`
	Axis     string   `json:"axis"`
	Seeds    int      `json:"seeds"`
	Seed     uint64   `json:"first_seed"`
	Command  string   `json:"command"`         // that makes it again
	Draws    bool     `json:"draws,omitempty"` // of clocks, by seeds; otherwise each seed is a run
	Notes    []string `json:"notes,omitempty"` // what a reader must know beside the points
	Points   []Point  `json:"points"`          // by value, then resolver
	Begins   []Begin  `json:"begins"`          // by resolver
}

// Point is one value under one resolver, over the seeds.
type Point struct {
	Value      string   `json:"value"`
	Resolver   string   `json:"resolver"`
	Acked      float64  `json:"acknowledged"` // mean
	Least      int      `json:"lost_least"`
	Lost       float64  `json:"lost_mean"`
	Most       int      `json:"lost_most"`
	Inverted   *float64 `json:"inverted_mean"` // nil: which of them were is not known
	Concurrent *float64 `json:"concurrent_mean"`
	Losing     int      `json:"runs_that_lost"`
}

// Begin is the first value at which a resolver loses in any run; empty: at none.
type Begin struct {
	Resolver string `json:"resolver"`
	Value    string `json:"value"`
}

// Begin adds the resolver's first value at which it loses, once its points are there.
func (c *Curve) Begin(resolver string) {
	c.Begins = append(c.Begins, c.begin(resolver))
}

func (c *Curve) begin(resolver string) Begin {
	for _, p := range c.Points {
		if p.Resolver == resolver && p.Most > 0 {
			return Begin{resolver, p.Value}
		}
	}
	return Begin{Resolver: resolver}
}

// of is the points of one resolver, in the order of values.
func (c *Curve) of(resolver string) []Point {
	var out []Point
	for _, p := range c.Points {
		if p.Resolver == resolver {
			out = append(out, p)
		}
	}
	return out
}

// drawn is what a point is the mean of.
func (c *Curve) drawn() string {
	if c.Draws {
		return "draws"
	}
	return "seeds"
}
