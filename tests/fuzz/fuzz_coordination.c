/* Whatever others have left where consoles meet: read as if by strangers, and harmless to show. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "actions/coordination_record.h"
#include "actions/hold.h"
#include "core/base/sanitise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void require_clean(const char *text)
{
	require(sanitise_is_clean(text, strlen(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hold holds[8];
	struct coordination_peer peer;
	char words[ACTION_TEXT_BYTES];
	char *value = malloc(size + 1);
	require(value != NULL);
	memcpy(value, data, size);
	value[size] = '\0';
	if (coordination_record_read(value, &peer)) {
		require_clean(peer.by);
		require_clean(peer.host);
		require_clean(peer.doing);
	}
	coordination_record_words(value, words);
	require_clean(words);
	size_t count = coordination_holds_read(value, 1000, holds, 8);
	require(count <= 8);
	for (size_t i = 0; i < count; i++) {
		require_clean(holds[i].by);
		require_clean(holds[i].action);
		require_clean(holds[i].target_path);
	}
	free(value);
	return 0;
}
