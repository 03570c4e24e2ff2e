/* TLS: whom we believe, per request, and that nothing is sent to anybody else. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/base/suite.h"
#include "tests/unit/wire/http_rig.h"
#include "tests/unit/wire/loopback.h"
#include "tests/unit/wire/mhd_page.h"

#define PEM_BYTES 4096
#define PATIENCE_MS 60000 /* a handshake is slow under valgrind */

struct identity {
	char key[PEM_BYTES];
	char certificate[PEM_BYTES];
};

static void copy_bio(BIO *bio, char out[PEM_BYTES])
{
	int length = BIO_read(bio, out, PEM_BYTES - 1);
	ck_assert_int_gt(length, 0);
	out[length] = '\0';
	BIO_free(bio);
}

/* A certificate that vouches for itself, for `name` such as "IP:127.0.0.1", valid until `until_s`
 * from now. */
static void make_identity(struct identity *identity, const char *name, long until_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
	X509_NAME *subject = X509_get_subject_name(certificate);
	X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_ASC, (const unsigned char *)"a server", -1, -1, 0);
	X509_set_issuer_name(certificate, subject);
	X509_set_pubkey(certificate, key);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, name);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
	BIO *bio = BIO_new(BIO_s_mem());
	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	copy_bio(bio, identity->key);
	bio = BIO_new(BIO_s_mem());
	ck_assert_int_eq(PEM_write_bio_X509(bio, certificate), 1);
	copy_bio(bio, identity->certificate);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

/* A server with its identity, the client, and a file with the server's certificate. */
struct stage {
	struct rig rig;
	struct identity identity;
	struct MHD_Daemon *daemon;
	struct mhd_page page;
	char url[URL_BYTES];
	char ca_file[64];
};

static void write_new(char *template, const char *text)
{
	int fd = mkstemp(template);
	ck_assert_int_ge(fd, 0);
	size_t length = strlen(text);
	ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
	close(fd);
}

static void stage_set(struct stage *stage, const char *name, long until_s)
{
	*stage = (struct stage){.ca_file = "/tmp/spillway-ca-XXXXXX", .page.text = "ok"};
	make_identity(&stage->identity, name, until_s);
	write_new(stage->ca_file, stage->identity.certificate);
	stage->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS, 0, NULL,
		NULL, mhd_page_serve, &stage->page, MHD_OPTION_HTTPS_MEM_KEY, stage->identity.key,
		MHD_OPTION_HTTPS_MEM_CERT, stage->identity.certificate, MHD_OPTION_END);
	snprintf(stage->url, sizeof(stage->url), "https://127.0.0.1:%d/", mhd_port(stage->daemon));
	rig_start(&stage->rig);
}

static void stage_strike(struct stage *stage)
{
	rig_stop(&stage->rig);
	MHD_stop_daemon(stage->daemon);
	unlink(stage->ca_file);
}

START_TEST(known_servers_are_trusted)
{
	struct stage stage;
	struct outcome outcome;
	stage_set(&stage, "IP:127.0.0.1", 86400);
	struct http_request request = {
		.url = stage.url, .timeout_ms = PATIENCE_MS, .ca_file = stage.ca_file};
	rig_ask(&stage.rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert(outcome.reply.connect_ms > 0);
	rig_ask(&stage.rig, &request, &outcome);
	assert_replied(&outcome, 200);
	ck_assert(outcome.reply.connect_ms == 0);
	/* The same server is not trusted by a request that was not told to, kept connection or not.
	 */
	request.ca_file = NULL;
	rig_ask(&stage.rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "cannot trust 127.0.0.1:");
	ck_assert_int_eq(stage.page.requests, 2);
	stage_strike(&stage);
}
END_TEST

struct impostor {
	const char *name;
	long until_s;
	bool told; /* the request names the certificate */
};

static const struct impostor impostors[] = {
	{"IP:127.0.0.1", 86400, false},
	{"IP:127.0.0.2", 86400, true},
	{"DNS:localhost", 86400, true},
	{"IP:127.0.0.1", -3600, true},
};

START_TEST(others_are_not_and_get_nothing)
{
	const struct impostor *row = &impostors[_i];
	struct stage stage;
	struct outcome outcome;
	stage_set(&stage, row->name, row->until_s);
	struct http_request request = {.url = stage.url,
		.timeout_ms = PATIENCE_MS,
		.ca_file = row->told ? stage.ca_file : NULL,
		.bearer = "sesame",
		.method = "POST"};
	for (int mutation = 0; mutation < 2; mutation++) {
		request.mutation = mutation == 1;
		rig_ask(&stage.rig, &request, &outcome);
		assert_failed(&outcome, ERROR_UNTRUSTED, "cannot trust 127.0.0.1:");
	}
	ck_assert_int_eq(stage.page.requests, 0);
	stage_strike(&stage);
}
END_TEST

START_TEST(files_that_cannot_be_used_are_named)
{
	struct stage stage;
	struct outcome outcome;
	stage_set(&stage, "IP:127.0.0.1", 86400);
	struct http_request request = {
		.url = stage.url, .timeout_ms = PATIENCE_MS, .ca_file = "/nonexistent/ca.pem"};
	rig_ask(&stage.rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "the file of certificate authorities");
	request.ca_file = stage.ca_file;
	request.client_cert_file = "/nonexistent/client.pem";
	request.client_key_file = "/nonexistent/client.key";
	rig_ask(&stage.rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "our own certificate or key");
	ck_assert_int_eq(stage.page.requests, 0);
	stage_strike(&stage);
}
END_TEST

/* An identity in files. */
struct papers {
	char certificate[64], key[64];
};

static void papers_write(struct papers *papers, const char *name)
{
	struct identity identity;
	*papers = (struct papers){"/tmp/spillway-cert-XXXXXX", "/tmp/spillway-key-XXXXXX"};
	make_identity(&identity, name, 86400);
	write_new(papers->certificate, identity.certificate);
	write_new(papers->key, identity.key);
}

static void papers_burn(const struct papers *papers)
{
	unlink(papers->certificate);
	unlink(papers->key);
}

/* openssl's own server, which answers whoever shows `client`'s certificate. Returns when it
 * listens. */
static pid_t demanding_server_start(
	const struct papers *server, const struct papers *client, int *port)
{
	char at[32];
	*port = loopback_free_port();
	struct sockaddr_in address = loopback_address(*port);
	snprintf(at, sizeof(at), "127.0.0.1:%d", *port);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(open("/dev/null", O_RDWR), 1);
		dup2(1, 2);
		execl("/usr/bin/openssl", "openssl", "s_server", "-accept", at, "-cert",
			server->certificate, "-key", server->key, "-Verify", "1",
			"-verify_return_error", "-CAfile", client->certificate, "-www", "-quiet",
			(char *)NULL);
		_exit(127);
	}
	bool listens = false;
	for (int i = 0; i < 4000 && !listens; i++) {
		struct timespec nap = {.tv_nsec = 5 * 1000 * 1000};
		int probe = socket(AF_INET, SOCK_STREAM, 0);
		listens = connect(probe, (const struct sockaddr *)&address, sizeof(address)) == 0;
		close(probe);
		if (!listens)
			nanosleep(&nap, NULL);
	}
	ck_assert_msg(listens, "needs /usr/bin/openssl (openssl)");
	return pid;
}

START_TEST(a_client_certificate_is_shown_to_who_asks)
{
	struct rig rig;
	struct outcome outcome;
	struct papers server, client, stranger;
	char url[URL_BYTES];
	int port = 0;
	papers_write(&server, "IP:127.0.0.1");
	papers_write(&client, "DNS:console");
	papers_write(&stranger, "DNS:stranger");
	pid_t pid = demanding_server_start(&server, &client, &port);
	rig_start(&rig);
	snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
	struct http_request request = {
		.url = url, .ca_file = server.certificate, .timeout_ms = 60000};
	rig_ask(&rig, &request, &outcome);
	ck_assert(!outcome.replied);
	request.client_cert_file = stranger.certificate;
	request.client_key_file = stranger.key;
	rig_ask(&rig, &request, &outcome);
	ck_assert(!outcome.replied);
	request.client_cert_file = client.certificate;
	rig_ask(&rig, &request, &outcome);
	assert_failed(&outcome, ERROR_UNTRUSTED, "our own certificate or key");
	request.client_key_file = client.key;
	rig_ask(&rig, &request, &outcome);
	assert_replied(&outcome, 200);
	rig_stop(&rig);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	papers_burn(&server);
	papers_burn(&client);
	papers_burn(&stranger);
}
END_TEST

static Suite *http_tls_suite(void)
{
	Suite *suite = suite_create("http_tls");
	TCase *trusting = tcase_create("trusting");
	tcase_set_timeout(trusting, 60);
	tcase_add_test(trusting, known_servers_are_trusted);
	tcase_add_loop_test(trusting, others_are_not_and_get_nothing, 0,
		sizeof(impostors) / sizeof(impostors[0]));
	tcase_add_test(trusting, files_that_cannot_be_used_are_named);
	tcase_add_test(trusting, a_client_certificate_is_shown_to_who_asks);
	suite_add_tcase(suite, trusting);
	return suite;
}

int main(void)
{
	return suite_run(http_tls_suite());
}
