#include "actions/lease.h"

#include "tests/unit/actions/scene.h"

#define TTL_MS 15000

static const struct etcd_row ours = {
	.key = "/k", .value = "us", .lease = "7", .create_revision = 42};
static const struct etcd_row theirs = {
	.key = "/k", .value = "them", .lease = "9", .create_revision = 40};

static struct etcd_request must_send(struct lease *lease, int64_t now_ms, enum etcd_verb verb)
{
	struct etcd_request request;
	ck_assert(lease_next(lease, now_ms, &request));
	ck_assert_int_eq(request.verb, verb);
	return request;
}

static void must_rest(struct lease *lease, int64_t now_ms)
{
	struct etcd_request request;
	ck_assert(!lease_next(lease, now_ms, &request));
}

static void grant(struct lease *lease)
{
	must_send(lease, 1000, ETCD_GRANT);
	lease_reply(lease, &(struct etcd_reply){.lease = "7", .ttl_s = 15}, 1100);
}

/* Held since 1000, of revision 42. */
static void hold(struct lease *lease)
{
	lease_begin(lease, "/k", "us", TTL_MS, 2);
	grant(lease);
	must_send(lease, 1200, ETCD_ACQUIRE);
	lease_reply(lease, &(struct etcd_reply){.won = true, .revision = 42}, 1300);
	must_send(lease, 1300, ETCD_READ);
	lease_reply(lease, &(struct etcd_reply){.rows = &ours, .row_count = 1}, 1400);
	ck_assert_int_eq(lease->state, LEASE_HELD);
}

START_TEST(test_held_and_kept_alive)
{
	struct lease lease;
	hold(&lease);
	ck_assert_int_eq(lease.fence, 42);
	/* It counts from when the lease was asked for, not from when the answer came. */
	ck_assert_int_eq(lease.valid_until_ms, 16000);
	ck_assert(lease_may_send(&lease, 1400, 5000));
	ck_assert(!lease_may_send(&lease, 1400, 10000));
	must_rest(&lease, 5900);
	must_send(&lease, 6000, ETCD_KEEPALIVE);
	must_rest(&lease, 6500);
	lease_reply(&lease, &(struct etcd_reply){.ttl_s = 15}, 6600);
	ck_assert_int_eq(lease.valid_until_ms, 21000);
}
END_TEST

/* The gateway answers a keepalive of a dead lease with 200 and no time to live. */
START_TEST(test_a_dead_lease_is_lost)
{
	struct lease lease;
	hold(&lease);
	must_send(&lease, 6000, ETCD_KEEPALIVE);
	lease_reply(&lease, &(struct etcd_reply){.ttl_s = 0}, 6100);
	ck_assert_int_eq(lease.state, LEASE_LOST);
	ck_assert(!lease_may_send(&lease, 6100, 0));
}
END_TEST

START_TEST(test_unanswered_it_runs_out)
{
	struct lease lease;
	hold(&lease);
	for (int64_t now_ms = 6000; now_ms < 15900; now_ms += 1000) {
		must_send(&lease, now_ms, ETCD_KEEPALIVE);
		lease_reply(&lease, NULL, now_ms);
		lease_tick(&lease, now_ms);
		ck_assert_int_eq(lease.state, LEASE_HELD);
	}
	lease_tick(&lease, 16000);
	ck_assert_int_eq(lease.state, LEASE_LOST);
}
END_TEST

START_TEST(test_taken_by_another)
{
	struct lease lease;
	lease_begin(&lease, "/k", "us", TTL_MS, 1);
	grant(&lease);
	must_send(&lease, 1200, ETCD_ACQUIRE);
	lease_reply(&lease, &(struct etcd_reply){.rows = &theirs, .row_count = 1}, 1300);
	ck_assert_int_eq(lease.state, LEASE_TAKEN);
	ck_assert_str_eq(lease.holder, "them");
	/* What was granted is given back. */
	ck_assert_str_eq(must_send(&lease, 1300, ETCD_REVOKE).lease, "7");
	must_rest(&lease, 1300);
}
END_TEST

/* Its first try had happened, and only the answer was lost. */
START_TEST(test_an_answer_lost)
{
	struct lease lease;
	lease_begin(&lease, "/k", "us", TTL_MS, 2);
	grant(&lease);
	must_send(&lease, 1200, ETCD_ACQUIRE);
	lease_reply(&lease, NULL, 3200);
	must_send(&lease, 3200, ETCD_ACQUIRE);
	lease_reply(&lease, &(struct etcd_reply){.rows = &ours, .row_count = 1}, 3300);
	must_send(&lease, 3300, ETCD_READ);
	lease_reply(&lease, &(struct etcd_reply){.rows = &ours, .row_count = 1}, 3400);
	ck_assert_int_eq(lease.state, LEASE_HELD);
	ck_assert_int_eq(lease.fence, 42);
}
END_TEST

/* A store that lets everybody win is found out by reading back. */
START_TEST(test_a_store_that_lies)
{
	struct lease lease;
	lease_begin(&lease, "/k", "us", TTL_MS, 1);
	grant(&lease);
	must_send(&lease, 1200, ETCD_ACQUIRE);
	lease_reply(&lease, &(struct etcd_reply){.won = true, .revision = 43}, 1300);
	must_send(&lease, 1300, ETCD_READ);
	lease_reply(&lease, &(struct etcd_reply){.rows = &theirs, .row_count = 1}, 1400);
	ck_assert_int_eq(lease.state, LEASE_FAILED);
	/* Neither won nor held by anybody: no store to lock by. */
	lease_begin(&lease, "/k", "us", TTL_MS, 1);
	grant(&lease);
	must_send(&lease, 1200, ETCD_ACQUIRE);
	lease_reply(&lease, &(struct etcd_reply){.won = false}, 1300);
	ck_assert_int_eq(lease.state, LEASE_FAILED);
}
END_TEST

START_TEST(test_checked_before_each_send)
{
	struct lease lease;
	hold(&lease);
	lease_check(&lease);
	ck_assert(!lease_was_checked(&lease));
	must_send(&lease, 3000, ETCD_KEEPALIVE);
	lease_reply(&lease, &(struct etcd_reply){.ttl_s = 15}, 3050);
	must_send(&lease, 3050, ETCD_READ);
	lease_reply(&lease, &(struct etcd_reply){.rows = &ours, .row_count = 1}, 3100);
	ck_assert(lease_was_checked(&lease));
	ck_assert_int_eq(lease.valid_until_ms, 18000);
	/* Another's key by now, or one made anew under our name. */
	struct etcd_row anew = ours;
	anew.create_revision = 50;
	lease_check(&lease);
	ck_assert(!lease_was_checked(&lease));
	must_send(&lease, 4000, ETCD_KEEPALIVE);
	lease_reply(&lease, &(struct etcd_reply){.ttl_s = 15}, 4050);
	must_send(&lease, 4050, ETCD_READ);
	lease_reply(&lease, &(struct etcd_reply){.rows = &anew, .row_count = 1}, 4100);
	ck_assert_int_eq(lease.state, LEASE_LOST);
}
END_TEST

START_TEST(test_no_answer_is_no)
{
	struct lease lease;
	lease_begin(&lease, "/k", "us", TTL_MS, 2);
	must_send(&lease, 1000, ETCD_GRANT);
	lease_reply(&lease, NULL, 3000);
	must_send(&lease, 3000, ETCD_GRANT);
	lease_reply(&lease, NULL, 5000);
	ck_assert_int_eq(lease.state, LEASE_FAILED);
	must_rest(&lease, 5000);
}
END_TEST

START_TEST(test_given_up_while_asking)
{
	struct lease lease;
	lease_begin(&lease, "/k", "us", TTL_MS, 2);
	must_send(&lease, 1000, ETCD_GRANT);
	lease_end(&lease);
	must_rest(&lease, 1050);
	/* A lease that comes too late is given back. */
	lease_reply(&lease, &(struct etcd_reply){.lease = "7", .ttl_s = 15}, 1100);
	ck_assert_str_eq(must_send(&lease, 1100, ETCD_REVOKE).lease, "7");
	ck_assert_int_eq(lease.state, LEASE_NONE);
}
END_TEST

START_TEST(test_it_outlives_what_it_guards)
{
	ck_assert_int_eq(lease_ttl_for(15000, 1000), 15000);
	ck_assert_int_eq(lease_ttl_for(15000, 30000), 52500);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lease");
	TCase *tcase = tcase_create("lease");
	tcase_add_test(tcase, test_held_and_kept_alive);
	tcase_add_test(tcase, test_a_dead_lease_is_lost);
	tcase_add_test(tcase, test_unanswered_it_runs_out);
	tcase_add_test(tcase, test_taken_by_another);
	tcase_add_test(tcase, test_an_answer_lost);
	tcase_add_test(tcase, test_a_store_that_lies);
	tcase_add_test(tcase, test_checked_before_each_send);
	tcase_add_test(tcase, test_no_answer_is_no);
	tcase_add_test(tcase, test_given_up_while_asking);
	tcase_add_test(tcase, test_it_outlives_what_it_guards);
	suite_add_tcase(suite, tcase);
	return scene_main(suite);
}
