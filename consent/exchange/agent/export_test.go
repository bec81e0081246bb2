package agent

// Names lists every name that Parse can give.
func Names() []string {
	names := []string{"", "Other"}
	for _, list := range [][]product{bots, tools} {
		for _, p := range list {
			names = append(names, p.name)
		}
	}
	for _, b := range browsers {
		names = append(names, b.name)
	}
	return names
}

// Rules tells how many rules there are of each sort: one word has a bit for each.
func Rules() []int { return []int{len(bots), len(browsers), len(platforms)} }
