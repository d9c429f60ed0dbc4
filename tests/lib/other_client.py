"""An S3 client that is none of firn's: Debian's boto3. Run by /usr/bin/python3, with the server in FIRN_TEST_S3_*.

    other_client.py digests BUCKET PREFIX    "sha256 key" of each object below PREFIX, read whole, keys without PREFIX
    other_client.py get BUCKET KEY FILE      an object into a file
    other_client.py put BUCKET KEY FILE      a file's bytes in place of an object
    other_client.py versions BUCKET PREFIX   how many versions and delete markers there are
    other_client.py hide BUCKET KEY          a delete that names no version
    other_client.py tags BUCKET KEY          an object's tags
    other_client.py make BUCKET              make a bucket
    other_client.py versioned BUCKET         make a bucket that keeps versions
    other_client.py locked BUCKET            make a bucket with Object Lock, by default for a day
    other_client.py hold BUCKET PREFIX on|off  legal hold on every version below PREFIX
    other_client.py unlock BUCKET PREFIX     retention of every version below PREFIX ends a second from now
    other_client.py parts BUCKET PREFIX      how many parts each unfinished upload below PREFIX has, a line each
    other_client.py encryption BUCKET PREFIX what the server says of each object's, without a key: each answer once

With SSE_KEY_FILE in the environment, digests reads with that customer's key.
"""
import datetime
import hashlib
import os
import sys

import boto3
import botocore.exceptions
from botocore.config import Config


def client():
    return boto3.client(
        "s3",
        endpoint_url=os.environ["FIRN_TEST_S3_ENDPOINT"],
        region_name=os.environ.get("FIRN_TEST_S3_REGION", "us-east-1"),
        aws_access_key_id=os.environ["FIRN_TEST_S3_KEY"],
        aws_secret_access_key=os.environ["FIRN_TEST_S3_SECRET"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 5}),
    )


def each_version(s3, bucket, prefix):
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for kind in "Versions", "DeleteMarkers":
            for item in page.get(kind, []):
                yield kind, item["Key"], item["VersionId"]


def parts(s3, bucket, prefix):
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Uploads", []):
            pages = s3.get_paginator("list_parts").paginate(Bucket=bucket, Key=item["Key"], UploadId=item["UploadId"])
            print(sum(len(p.get("Parts", [])) for p in pages))


def with_key():
    path = os.environ.get("SSE_KEY_FILE")
    if not path:
        return {}
    with open(path, "rb") as f:
        return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": f.read()}


def encryption(s3, bucket, prefix):
    said = set()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            try:
                head = s3.head_object(Bucket=bucket, Key=item["Key"])
                said.add(f"{head.get('ServerSideEncryption')} {head.get('SSEKMSKeyId')}")
            except botocore.exceptions.ClientError as e:
                said.add(f"HTTP {e.response['ResponseMetadata']['HTTPStatusCode']}")
    print("\n".join(sorted(said)))


def digests(s3, bucket, prefix):
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            digest = hashlib.sha256()
            for chunk in s3.get_object(Bucket=bucket, Key=item["Key"], **with_key())["Body"].iter_chunks(1 << 20):
                digest.update(chunk)
            print(digest.hexdigest(), item["Key"][len(prefix):])


def get(s3, bucket, key, path):
    s3.download_file(bucket, key, path)


def put(s3, bucket, key, path):
    with open(path, "rb") as f:
        s3.put_object(Bucket=bucket, Key=key, Body=f.read())


def versions(s3, bucket, prefix):
    print(len(list(each_version(s3, bucket, prefix))))


def hide(s3, bucket, key):
    s3.delete_object(Bucket=bucket, Key=key)


def tags(s3, bucket, key):
    for tag in s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]:
        print(tag["Key"] + "=" + tag["Value"])


def make(s3, bucket):
    s3.create_bucket(Bucket=bucket)


def versioned(s3, bucket):
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def locked(s3, bucket):
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
        },
    )


def hold(s3, bucket, prefix, state):
    for kind, key, version in each_version(s3, bucket, prefix):
        if kind == "Versions":
            s3.put_object_legal_hold(
                Bucket=bucket, Key=key, VersionId=version, LegalHold={"Status": state.upper()}
            )


def unlock(s3, bucket, prefix):
    for kind, key, version in each_version(s3, bucket, prefix):
        if kind == "Versions":
            # It must still be in the future when a busy server looks.
            soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=5)
            s3.put_object_retention(
                Bucket=bucket,
                Key=key,
                VersionId=version,
                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": soon},
                BypassGovernanceRetention=True,
            )


if __name__ == "__main__":
    globals()[sys.argv[1]](client(), *sys.argv[2:])
