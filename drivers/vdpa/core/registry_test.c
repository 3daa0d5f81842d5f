// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit tests of the registry: names, numbers of names, life of a record
 */
#include <kunit/test.h>

#include "vdpa_internal.h"

struct vdpa_name_case {
	const char *name;
	const char *wrong;	/* NULL: the name is good */
	int number;		/* of good ones */
};

#define VDPA_TEST_63	"123456789012345678901234567890123456789012345678901234567890123"

static const struct vdpa_name_case vdpa_name_cases[] = {
	{ "a", NULL, -1 },
	{ "vdpa", NULL, -1 },
	{ "vdpa0", NULL, 0 },
	{ "vdpa7", NULL, 7 },
	{ "vdpa2147483647", NULL, INT_MAX },
	{ "vdpa2147483648", NULL, -1 },
	{ "vdpa99999999999999999999", NULL, -1 },
	{ "vdpa00", NULL, -1 },
	{ "vdpa07", NULL, -1 },
	{ "vdpa+7", NULL, -1 },
	{ "vdpa-7", NULL, -1 },
	{ "vdpa7x", NULL, -1 },
	{ "vdpa0x7", NULL, -1 },
	{ "Vdpa7", NULL, -1 },
	{ "vdpa:0000:03:00.1", NULL, -1 },
	{ "...", NULL, -1 },
	{ "~!@#$%^&*()", NULL, -1 },
	{ VDPA_TEST_63, NULL, -1 },
	{ VDPA_TEST_63 "4", "Device name is longer than 63 bytes" },
	{ "", "Device name is empty" },
	{ ".", "Device name is a path component" },
	{ "..", "Device name is a path component" },
	{ "a/b", "Device name has a character that is not allowed" },
	{ "a b", "Device name has a character that is not allowed" },
	{ "vdpa7\n", "Device name has a character that is not allowed" },
	{ "\x7f", "Device name has a character that is not allowed" },
	{ "na\xc3\xafve", "Device name has a character that is not allowed" },
};

static void vdpa_name_case_desc(const struct vdpa_name_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "name %*pE",
		 (int)strlen(c->name), c->name);
}

KUNIT_ARRAY_PARAM(vdpa_name, vdpa_name_cases, vdpa_name_case_desc);

static void vdpa_name_check_test(struct kunit *test)
{
	const struct vdpa_name_case *c = test->param_value;

	KUNIT_EXPECT_STREQ(test, vdpa_dev_name_check(c->name) ?: "good",
			   c->wrong ?: "good");
}

static void vdpa_name_number_test(struct kunit *test)
{
	const struct vdpa_name_case *c = test->param_value;

	if (!c->wrong)
		KUNIT_EXPECT_EQ(test, vdpa_dev_name_number(c->name), c->number);
}

static struct vdpa_dev_record *vdpa_test_reserve(struct kunit *test,
						 const char *name)
{
	struct vdpa_dev_record *record = vdpa_dev_record_reserve(name);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, record);
	return record;
}

static void vdpa_test_release(struct vdpa_dev_record *record)
{
	vdpa_dev_record_release(record);
	vdpa_dev_record_put(record);
}

static void vdpa_reserve_twice_test(struct kunit *test)
{
	struct vdpa_dev_record *record = vdpa_test_reserve(test, "kunit0");

	KUNIT_EXPECT_PTR_EQ(test, vdpa_dev_record_reserve("kunit0"),
			    ERR_PTR(-EEXIST));
	vdpa_test_release(record);
	record = vdpa_test_reserve(test, "kunit0");
	vdpa_test_release(record);
}

static void vdpa_reserve_bad_test(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, vdpa_dev_record_reserve("a/b"),
			    ERR_PTR(-EINVAL));
}

/* The first hole is filled, whoever made the neighbours. */
static void vdpa_reserve_auto_test(struct kunit *test)
{
	struct vdpa_dev_record *first = vdpa_test_reserve(test, NULL);
	struct vdpa_dev_record *second, *third;
	char name[VDPA_DEV_NAME_MAX + 1];
	int number = first->auto_name;

	snprintf(name, sizeof(name), "vdpa%d", number + 1);
	second = vdpa_test_reserve(test, name);
	KUNIT_EXPECT_EQ(test, second->auto_name, number + 1);
	third = vdpa_test_reserve(test, NULL);
	KUNIT_EXPECT_GT(test, third->auto_name, number + 1);

	vdpa_test_release(second);
	second = vdpa_test_reserve(test, NULL);
	KUNIT_EXPECT_STREQ(test, second->name, name);

	vdpa_test_release(first);
	vdpa_test_release(second);
	vdpa_test_release(third);
}

/* Found from publication on, and no longer after the end. */
static void vdpa_record_life_test(struct kunit *test)
{
	struct vdpa_dev_record *record = vdpa_test_reserve(test, "kunit0");
	unsigned int removals = vdpa_registry.removals;

	KUNIT_EXPECT_NULL(test, vdpa_dev_record_get("kunit0"));
	KUNIT_ASSERT_EQ(test, vdpa_dev_record_publish(record), 0);
	KUNIT_EXPECT_PTR_EQ(test, vdpa_dev_record_get("kunit0"), record);
	vdpa_dev_record_put(record);

	vdpa_dev_record_withdraw(record);
	KUNIT_EXPECT_NULL(test, vdpa_dev_record_get("kunit0"));
	KUNIT_EXPECT_NE(test, vdpa_registry.removals, removals);
	KUNIT_EXPECT_PTR_EQ(test, vdpa_dev_record_reserve("kunit0"),
			    ERR_PTR(-EEXIST));

	KUNIT_ASSERT_EQ(test, vdpa_dev_record_publish(record), 0);
	vdpa_dev_record_release(record);
	KUNIT_EXPECT_NULL(test, vdpa_dev_record_get("kunit0"));
	KUNIT_EXPECT_EQ(test, record->state, VDPA_DEV_DEAD);
	vdpa_dev_record_put(record);
}

/* The count that tells dumps of removals never is the 0 of "none yet". */
static void vdpa_removals_wrap_test(struct kunit *test)
{
	unsigned int removals;

	mutex_lock(&vdpa_registry.lock);
	removals = vdpa_registry.removals;
	vdpa_registry.removals = UINT_MAX;
	vdpa_registry_removed_locked();
	KUNIT_EXPECT_EQ(test, vdpa_registry.removals, 1);
	vdpa_registry.removals = removals;
	mutex_unlock(&vdpa_registry.lock);
}

static struct kunit_case vdpa_registry_test_cases[] = {
	KUNIT_CASE_PARAM(vdpa_name_check_test, vdpa_name_gen_params),
	KUNIT_CASE_PARAM(vdpa_name_number_test, vdpa_name_gen_params),
	KUNIT_CASE(vdpa_reserve_twice_test),
	KUNIT_CASE(vdpa_reserve_bad_test),
	KUNIT_CASE(vdpa_reserve_auto_test),
	KUNIT_CASE(vdpa_record_life_test),
	KUNIT_CASE(vdpa_removals_wrap_test),
	{}
};

static struct kunit_suite vdpa_registry_test_suite = {
	.name = "vdpa_registry",
	.test_cases = vdpa_registry_test_cases,
};

kunit_test_suite(vdpa_registry_test_suite);
