// A link with only #START-END: the server marks the passage, so ask it to.
"use strict";

const place = /^#(\d+)-(\d+)$/.exec(location.hash);
if (place && !document.getElementById(`${place[1]}-${place[2]}`) && !location.search) {
  location.replace(`?start=${place[1]}&end=${place[2]}${location.hash}`);
}
