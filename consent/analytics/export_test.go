package analytics

import "time"

// SignTarget makes a link to anything.
func SignTarget(p *Pipeline, target string, at time.Time) (query string) {
	period := at.Unix()/(linkDays*86400) + 1
	return linkQuery(target, period, sign(p.links.keys[0], target, period))
}
