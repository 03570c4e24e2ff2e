#include <math.h>
#include <stdio.h>

#include "core/fleet/snapshot.h"
#include "ui/console/screen.h"

struct facts {
	const struct view *view;
	int row, bottom;
};

static void fact(struct facts *facts, enum role role, const char *label, const char *text)
{
	if (facts->row >= facts->bottom)
		return;
	int columns = canvas_columns(facts->view->canvas);
	canvas_text(facts->view->canvas, facts->row, 1, 12, ROLE_DIM, label);
	canvas_text(facts->view->canvas, facts->row, 14, columns - 15, role, text);
	facts->row++;
}

static void facts_draw(struct facts *facts, const struct cluster_assessment *cluster)
{
	char text[256], a[FIGURE_BYTES], b[FIGURE_BYTES], c[FIGURE_BYTES], d[FIGURE_BYTES];
	const struct snapshot *snapshot = facts->view->model->snapshot;
	enum severity severity = cluster->stale ? SEVERITY_UNKNOWN : cluster->severity;
	figure_age(cluster->age_ms, a);
	snprintf(text, sizeof text, "%s %s, readings up to %s old%s", state_word(severity),
		phase_name(cluster->phase), a, cluster->stale ? ": too old to decide on" : "");
	fact(facts, state_role(severity), "state", text);
	figure_percent(cluster->share, a);
	figure_signal(SIGNAL_CLUSTER_WEIGHT,
		snapshot_reading(snapshot, cluster->cluster, SIGNAL_CLUSTER_WEIGHT)->value, b);
	figure_rate(cluster->first_tries, c);
	snprintf(text, sizeof text, "%s of all traffic (weight %s), %s first tries", a, b, c);
	fact(facts, ROLE_TEXT, "traffic", text);
	figure_count(round(cluster->pool_used), a);
	figure_count(cluster->pool_max, b);
	figure_percent(cluster->pool_use, c);
	figure_percent(cluster->knee, d);
	snprintf(text, sizeof text,
		"%s of %s connections used, fullest pool %s (waits begin at %s)", a, b, c, d);
	fact(facts, ROLE_TEXT, "pools", text);
	figure_count(round(cluster->waiting), a);
	figure_wait(cluster->wait_ms, b);
	snprintf(text, sizeof text, "%s clients waiting, the longest for %s", a, b);
	fact(facts, ROLE_TEXT, "waiting", text);
	figure_percent_fine(cluster->auth_failures, a);
	figure_percent_fine(cluster->errors, b);
	snprintf(text, sizeof text, "auth failures %s, %.2f attempts per request, user errors %s",
		a, cluster->attempts, b);
	fact(facts, ROLE_TEXT, "upstream", text);
}

static void upstream_draw(struct facts *facts, uint32_t cluster)
{
	const struct snapshot *snapshot = facts->view->model->snapshot;
	static const enum entity_kind kinds[] = {ENTITY_SERVICE, ENTITY_SURFACE};
	for (size_t i = 0; i < 2; i++) {
		uint32_t id = ENTITY_NONE;
		while ((id = fleet_next(snapshot->fleet, kinds[i], cluster, id)) != ENTITY_NONE) {
			bool service = kinds[i] == ENTITY_SERVICE;
			char text[256], rate[FIGURE_BYTES], bad[FIGURE_BYTES];
			double all = NAN, failed = NAN;
			snapshot_value(snapshot, id,
				service ? SIGNAL_SERVICE_ATTEMPTS : SIGNAL_SURFACE_REQUESTS, &all);
			snapshot_value(snapshot, id,
				service ? SIGNAL_SERVICE_FAILURES : SIGNAL_SURFACE_ERRORS, &failed);
			figure_rate(all, rate);
			figure_rate(failed, bad);
			snprintf(text, sizeof text, "%s %s, %s failed", rate,
				service ? "attempts" : "requests", bad);
			fact(facts, ROLE_TEXT, fleet_entity(snapshot->fleet, id)->name, text);
		}
	}
}

static void findings_of(struct facts *facts, uint32_t cluster)
{
	const struct console_model *model = facts->view->model;
	const struct assessment *assessment = model->assessment;
	for (size_t i = 0; i < assessment->finding_count; i++) {
		const struct finding *finding = &assessment->findings[i];
		if (finding->entity == ENTITY_NONE ||
			finding->entity >= fleet_count(model->snapshot->fleet) ||
			fleet_cluster_of(model->snapshot->fleet, finding->entity) != cluster)
			continue;
		fact(facts, state_role(finding->severity), state_word(finding->severity),
			finding->text);
	}
}

void cluster_draw(const struct view *view)
{
	const struct console_model *model = view->model;
	uint32_t id = clusters_selected(view->console, model);
	const struct cluster_assessment *cluster =
		model->assessment ? assessment_cluster(model->assessment, id) : NULL;
	int columns = canvas_columns(view->canvas);
	int bottom = canvas_rows(view->canvas) - 3;
	banner_draw(view, 0);
	hints_draw(view, bottom + 1);
	message_draw(view, bottom + 2);
	if (!cluster || !model->snapshot) {
		canvas_text(view->canvas, 2, 1, columns - 2, ROLE_UNKNOWN,
			"?UNK this cluster is not known now");
		return;
	}
	char title[ENTITY_PATH_BYTES + 16];
	snprintf(title, sizeof title, "CLUSTER %s", fleet_entity(model->snapshot->fleet, id)->path);
	canvas_rule(view->canvas, 1, 0, columns, title);
	struct facts facts = {.view = view, .row = 2, .bottom = bottom};
	facts_draw(&facts, cluster);
	if (facts.row < bottom) {
		canvas_printf(
			view->canvas, facts.row, 1, 12, ROLE_DIM, "stress %s", view->window.label);
		pressure_chart(model->history, id, &view->window, view->canvas, facts.row, 14,
			columns - 16);
		facts.row++;
	}
	int replicas = replicas_rows(view, id);
	if (replicas > bottom - facts.row)
		replicas = bottom - facts.row;
	replicas_draw(view, id, (struct area){facts.row, 0, replicas, columns});
	facts.row += replicas;
	upstream_draw(&facts, id);
	findings_of(&facts, id);
	contingency_draw(view, bottom, columns, &cluster->contingency);
}
