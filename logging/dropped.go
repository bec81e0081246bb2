package logging

import (
	"strconv"
	"time"
)

// Dropped returns the line of JSON that stands about where n lines are missing, with
// the present time. An Access writes it after its output failed; it is also for
// Config.Dropped of package async, whose Writer drops lines rather than make
// requests wait. Its keys are declared in every manifest.
func Dropped(n uint64) []byte {
	line := append([]byte(nil), `{"time":"`...)
	line = time.Now().UTC().Truncate(time.Second).AppendFormat(line, time.RFC3339)
	line = append(line, `","candor.log.dropped":`...)
	line = strconv.AppendUint(line, n, 10)
	return append(line, "}\n"...)
}
