package projections_test

import (
	"testing"

	"github.com/readtrail/readtrail/projections/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
