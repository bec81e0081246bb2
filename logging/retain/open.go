package retain

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// openFile opens a file of the directory for appending, ready for a new line,
// and makes both where they are missing.
func openFile(dir, name string) (*os.File, fs.FileInfo, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	defer root.Close()
	// Who can write to the directory can put a file of their own in the place of
	// ours, and read what is written.
	if info, err := root.Stat("."); err != nil {
		return nil, nil, err
	} else if runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		return nil, nil, fmt.Errorf("others may write to the directory (mode %#o); chmod go-w it, or use one of the service's own", info.Mode().Perm())
	}
	file, err := openRegular(root, name)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		// Another process made or deleted it in between.
		file, err = openRegular(root, name)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := makeReady(file)
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// openRegular opens a regular file, or makes it. It follows no symbolic link,
// also not one that was put there in the meantime.
func openRegular(root *os.Root, name string) (*os.File, error) {
	const how = os.O_RDWR | os.O_APPEND
	before, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return root.OpenFile(name, how|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, errNotRegular
	}
	file, err := root.OpenFile(name, how, 0)
	if err != nil {
		return nil, err
	}
	if after, err := file.Stat(); err != nil || !os.SameFile(before, after) {
		file.Close()
		return nil, errNotRegular
	}
	return file, nil
}

var errNotRegular = errors.New("what has the name of a log file is not a regular file; remove it")

// makeReady takes the file's rights from everybody else, and ends a line that
// was cut short.
func makeReady(file *os.File) (fs.FileInfo, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		if err := file.Chmod(0o600); err != nil {
			return nil, err
		}
	}
	return info, endLine(file)
}

// endLine writes a newline where the last line has none. While another process
// appends, its line can be seen half written (Linux lets a file grow by pages),
// and that one must not be ended.
func endLine(file *os.File) error {
	torn := int64(-1)
	for range 100 {
		info, err := file.Stat()
		if err != nil || info.Size() == 0 {
			return err
		}
		var last [1]byte
		if _, err := file.ReadAt(last[:], info.Size()-1); err != nil {
			return err
		}
		if last[0] == '\n' {
			return nil
		}
		if info.Size() == torn {
			_, err := file.Write([]byte{'\n'})
			return err
		}
		torn = info.Size()
		// Linux changes the mode under the lock that it appends under: when this
		// returns, whoever was in the middle of a line has written the rest.
		if err := file.Chmod(0o600); err != nil {
			return err
		}
	}
	return nil // others write all the time, so nothing is torn at the end
}
