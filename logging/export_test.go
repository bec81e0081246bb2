package logging

// What the tests reach of the functions that judge a visitor's text.
var (
	AppendQuery  = appendQuery
	AppendOrigin = appendOrigin
	AppendString = appendString
	RoutePath    = routePath
)

// Agent is what is kept of a User-Agent field.
type Agent struct{ Name, Version, Device, OS string }

func ParseAgent(ua string) Agent {
	a := parseAgent(ua)
	return Agent{a.name, a.version, a.device, a.os}
}

// AgentNames lists every name that can be logged.
func AgentNames() []string {
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
